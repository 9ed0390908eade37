"""OLE2 compound documents (MS-CFB; .doc, .xls, .ppt, .msg ...): reading, repairing and salvaging them.

The words are those of the specification, with the older ones of OpenOffice's paper beside them in what people read:
FAT (SAT), DIFAT (MSAT), mini FAT (SSAT), mini stream (short-stream container).
"""
