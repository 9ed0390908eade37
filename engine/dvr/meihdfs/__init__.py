"""Panasonic's recorder file system MEIHDFS (HDFS2): inode tables, inodes, directories, superblocks in every group."""
