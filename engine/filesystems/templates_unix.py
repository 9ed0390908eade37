"""The superblock and an inode of ext2, ext3 and ext4."""

from __future__ import annotations

from construct import Array, Bytes, Int8ul, Int16ul, Int32ul, Struct

from engine.filesystems.templates_words import exactly, flags, hexed, number, unix
from engine.template import Context, Note, Template
from engine.text import format_exact

_SUPERBLOCK = Struct(
    "inodes" / Int32ul, "blocks_low" / Int32ul, "reserved_blocks_low" / Int32ul, "free_blocks_low" / Int32ul,
    "free_inodes" / Int32ul, "first_data_block" / Int32ul, "log_block_size" / Int32ul, "log_cluster_size" / Int32ul,
    "blocks_per_group" / Int32ul, "clusters_per_group" / Int32ul, "inodes_per_group" / Int32ul, "mounted" / Int32ul,
    "written" / Int32ul, "mounts" / Int16ul, "most_mounts" / Int16ul, "magic" / Int16ul, "state" / Int16ul,
    "on_error" / Int16ul, "minor_revision" / Int16ul, "checked" / Int32ul, "check_interval" / Int32ul,
    "creator" / Int32ul, "revision" / Int32ul, "reserved_uid" / Int16ul, "reserved_gid" / Int16ul,
    "first_inode" / Int32ul, "inode_size" / Int16ul, "block_group" / Int16ul, "compatible" / Int32ul,
    "incompatible" / Int32ul, "read_only_compatible" / Int32ul, "uuid" / Bytes(16), "label" / Bytes(16),
    "last_mounted_on" / Bytes(64), "compression" / Int32ul, "preallocate" / Int8ul, "preallocate_directories" / Int8ul,
    "reserved_gdt_blocks" / Int16ul, "journal_uuid" / Bytes(16), "journal_inode" / Int32ul,
    "journal_device" / Int32ul, "last_orphan" / Int32ul, "hash_seed" / Bytes(16), "hash_version" / Int8ul,
    "journal_backup" / Int8ul, "descriptor_size" / Int16ul, "mount_options" / Int32ul, "first_meta_group" / Int32ul,
    "created" / Int32ul, "journal_blocks" / Bytes(68), "blocks_high" / Int32ul, "reserved_blocks_high" / Int32ul,
    "free_blocks_high" / Int32ul, "more" / Bytes(276), "checksum_seed" / Int32ul, "reserved" / Bytes(392),
    "checksum" / Int32ul,
)  # fmt: skip

_COMPATIBLE = {4: "has_journal", 8: "ext_attr", 0x10: "resize_inode", 0x20: "dir_index", 0x200: "sparse_super2",
               0x400: "fast_commit", 0x1000: "orphan_file"}  # fmt: skip
_INCOMPATIBLE = {2: "filetype", 4: "needs recovery", 8: "journal device", 0x10: "meta_bg", 0x40: "extents",
                 0x80: "64bit", 0x100: "mmp", 0x200: "flex_bg", 0x400: "ea_inode", 0x2000: "csum_seed",
                 0x4000: "large_dir", 0x8000: "inline_data", 0x10000: "encrypt", 0x20000: "casefold"}  # fmt: skip
_READ_ONLY = {1: "sparse_super", 2: "large_file", 8: "huge_file", 0x10: "gdt_csum", 0x20: "dir_nlink",
              0x40: "extra_isize", 0x100: "quota", 0x200: "bigalloc", 0x400: "metadata_csum", 0x1000: "read-only",
              0x2000: "project", 0x8000: "verity"}  # fmt: skip


def _block_size(value: int, _context: Context) -> str:
    return f"blocks of {1024 << value} bytes" if value <= 6 else "impossible"


def _blocks(value: int, context: Context) -> str:
    high, shift = context.values.get("blocks_high", 0), context.values.get("log_block_size", 0)
    if not isinstance(high, int) or not isinstance(shift, int) or shift > 6:
        return str(value)
    wide = isinstance(found := context.values.get("incompatible"), int) and found & 0x80
    total = value | (high << 32 if wide else 0)
    return f"{total} blocks, {format_exact(total * (1024 << shift))}"


def _uuid(value: bytes, _context: Context) -> str:
    text = value.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}" if any(value) else "none"


def _text(value: bytes, _context: Context) -> str:
    return value.partition(b"\0")[0].decode("utf-8", "replace")


EXT_SUPERBLOCK = Template("ext-superblock", "ext2, ext3, ext4 superblock", _SUPERBLOCK, {
    "magic": exactly(0xEF53, "0xEF53"),
    "blocks_low": Note(_blocks, critical=True),
    "log_block_size": Note(_block_size, critical=True, check=lambda value, _: None if value <= 6 else "above 64 KiB"),
    "first_data_block": Note(number, critical=True, check=lambda value, context: None
                             if value == (1 if context.values.get("log_block_size") == 0 else 0)
                             else "it does not fit the block size"),
    "blocks_per_group": Note(number, critical=True), "inodes_per_group": Note(number, critical=True),
    "mounted": Note(unix), "written": Note(unix), "checked": Note(unix), "created": Note(unix),
    "state": flags({1: "cleanly unmounted", 2: "errors", 4: "orphans"}),
    "on_error": Note(lambda value, _: {1: "go on", 2: "read-only", 3: "panic"}.get(value, "unknown")),
    "creator": Note(lambda value, _: {0: "Linux", 1: "Hurd", 2: "Masix", 3: "FreeBSD", 4: "Lites"}.get(value, "?")),
    "block_group": Note(lambda value, _: "the first superblock" if not value else f"a copy, of block group {value}"),
    "inode_size": Note(lambda value, _: f"{value} bytes", critical=True),
    "compatible": flags(_COMPATIBLE), "incompatible": flags(_INCOMPATIBLE), "read_only_compatible": flags(_READ_ONLY),
    "uuid": Note(_uuid), "label": Note(_text), "last_mounted_on": Note(_text), "journal_uuid": Note(_uuid),
    "descriptor_size": Note(number), "checksum_seed": Note(hexed),
})  # fmt: skip

_MODES = {0x1: "fifo", 0x2: "character device", 0x4: "directory", 0x6: "block device", 0x8: "file", 0xA: "link",
          0xC: "socket"}  # fmt: skip

_INODE = Struct(
    "mode" / Int16ul, "uid" / Int16ul, "size_low" / Int32ul, "accessed" / Int32ul, "changed" / Int32ul,
    "modified" / Int32ul, "deleted" / Int32ul, "gid" / Int16ul, "links" / Int16ul, "sectors" / Int32ul,
    "flags" / Int32ul, "version" / Int32ul, "blocks" / Array(15, Int32ul), "generation" / Int32ul,
    "attributes" / Int32ul, "size_high" / Int32ul, "fragment" / Int32ul, "system" / Bytes(12),
)  # fmt: skip

EXT_INODE = Template("ext-inode", "ext2, ext3, ext4 inode", _INODE, {
    "mode": Note(lambda value, _: f"{_MODES.get(value >> 12, 'unused')} {value & 0o7777:04o}"),
    "size_low": Note(lambda value, context: f"{value | int(context.values.get('size_high', 0)) << 32} bytes"),
    "accessed": Note(unix), "changed": Note(unix), "modified": Note(unix), "deleted": Note(unix),
    "flags": flags({8: "sync", 0x10: "immutable", 0x20: "append only", 0x1000: "hashed directory", 0x40000: "huge file",
                    0x80000: "extents", 0x10000000: "inline data"}),
})  # fmt: skip
