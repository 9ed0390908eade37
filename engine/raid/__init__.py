"""RAID5 and RAID4 without their controller: parity evidence, layouts, metadata, and the assembled array as a source."""
