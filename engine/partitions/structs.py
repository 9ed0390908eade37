"""Declarations of what partition tables and boot sectors look like on disk. Everything is little-endian.

Sources: the UEFI specification (GPT), Microsoft's FAT and exFAT specifications, and images made by the usual tools.
"""

from __future__ import annotations

from construct import Array, Bytes, Int8sl, Int8ul, Int16ul, Int32ul, Int64ul, Struct

MBR_ENTRY = Struct(
    "status" / Int8ul,
    "first_chs" / Bytes(3),
    "type" / Int8ul,
    "last_chs" / Bytes(3),
    "start_lba" / Int32ul,
    "size_sectors" / Int32ul,
)

# An extended boot record (EBR) has the same shape.
MBR = Struct(
    "boot_code" / Bytes(440),
    "disk_signature" / Int32ul,
    "copy_protected" / Int16ul,
    "entries" / Array(4, MBR_ENTRY),
    "signature" / Bytes(2),
)

GPT_HEADER = Struct(
    "signature" / Bytes(8),
    "revision" / Int32ul,
    "header_size" / Int32ul,
    "header_crc" / Int32ul,
    "reserved" / Bytes(4),
    "own_lba" / Int64ul,
    "other_lba" / Int64ul,
    "first_usable_lba" / Int64ul,
    "last_usable_lba" / Int64ul,
    "disk_guid" / Bytes(16),
    "array_lba" / Int64ul,
    "entry_count" / Int32ul,
    "entry_size" / Int32ul,
    "array_crc" / Int32ul,
)

GPT_ENTRY = Struct(
    "type_guid" / Bytes(16),
    "guid" / Bytes(16),
    "first_lba" / Int64ul,
    "last_lba" / Int64ul,
    "attributes" / Int64ul,
    "name" / Bytes(72),
)

_BPB = (
    "jump" / Bytes(3),
    "oem_name" / Bytes(8),
    "bytes_per_sector" / Int16ul,
    "sectors_per_cluster" / Int8ul,
    "reserved_sectors" / Int16ul,
    "fat_count" / Int8ul,
    "root_entries" / Int16ul,
    "total_sectors_16" / Int16ul,
    "media" / Int8ul,
    "fat_sectors_16" / Int16ul,
    "sectors_per_track" / Int16ul,
    "heads" / Int16ul,
    "hidden_sectors" / Int32ul,
    "total_sectors_32" / Int32ul,
)

FAT16_BOOT = Struct(
    *_BPB,
    "drive" / Int8ul,
    "flags" / Int8ul,
    "extended_signature" / Int8ul,
    "serial" / Int32ul,
    "label" / Bytes(11),
    "type_text" / Bytes(8),
    "boot_code" / Bytes(448),
    "signature" / Bytes(2),
)

FAT32_BOOT = Struct(
    *_BPB,
    "fat_sectors_32" / Int32ul,
    "mirroring" / Int16ul,
    "version" / Int16ul,
    "root_cluster" / Int32ul,
    "fsinfo_sector" / Int16ul,
    "backup_sector" / Int16ul,
    "reserved" / Bytes(12),
    "drive" / Int8ul,
    "flags" / Int8ul,
    "extended_signature" / Int8ul,
    "serial" / Int32ul,
    "label" / Bytes(11),
    "type_text" / Bytes(8),
    "boot_code" / Bytes(420),
    "signature" / Bytes(2),
)

FSINFO = Struct(
    "lead_signature" / Bytes(4),
    "reserved_1" / Bytes(480),
    "structure_signature" / Bytes(4),
    "free_clusters" / Int32ul,
    "next_free" / Int32ul,
    "reserved_2" / Bytes(12),
    "trail_signature" / Bytes(4),
)

EXFAT_BOOT = Struct(
    "jump" / Bytes(3),
    "oem_name" / Bytes(8),
    "must_be_zero" / Bytes(53),
    "partition_offset" / Int64ul,
    "volume_length" / Int64ul,
    "fat_offset" / Int32ul,
    "fat_length" / Int32ul,
    "heap_offset" / Int32ul,
    "cluster_count" / Int32ul,
    "root_cluster" / Int32ul,
    "serial" / Int32ul,
    "revision" / Int16ul,
    "volume_flags" / Int16ul,
    "sector_shift" / Int8ul,
    "cluster_shift" / Int8ul,
    "fat_count" / Int8ul,
    "drive" / Int8ul,
    "percent_in_use" / Int8ul,
    "reserved" / Bytes(7),
    "boot_code" / Bytes(390),
    "signature" / Bytes(2),
)

NTFS_BOOT = Struct(
    "jump" / Bytes(3),
    "oem_name" / Bytes(8),
    "bytes_per_sector" / Int16ul,
    "sectors_per_cluster" / Int8ul,
    "reserved_sectors" / Int16ul,
    "zero_1" / Bytes(5),
    "media" / Int8ul,
    "zero_2" / Bytes(2),
    "sectors_per_track" / Int16ul,
    "heads" / Int16ul,
    "hidden_sectors" / Int32ul,
    "zero_3" / Bytes(4),
    "drive" / Bytes(4),
    "total_sectors" / Int64ul,
    "mft_lcn" / Int64ul,
    "mft_mirror_lcn" / Int64ul,
    "clusters_per_record" / Int8sl,
    "reserved_1" / Bytes(3),
    "clusters_per_index" / Int8sl,
    "reserved_2" / Bytes(3),
    "serial" / Int64ul,
    "checksum" / Int32ul,
    "boot_code" / Bytes(426),
    "signature" / Bytes(2),
)
