"""Pioneer and Sony hard-disk recorders: titles in three tables (FNT, FOT, FAT) that a directory area points to."""
