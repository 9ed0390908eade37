"""Images of disks and of networks, and small secrets: E01, VHD, VHDX, VDI, VMDK, QCOW2; pcap; KeePass, OpenPGP keys."""

from __future__ import annotations

import zlib

from engine.carve.outcome import CHECKED, SIZED, WALKED, Outcome, complete
from engine.carve.view import Broken, NotThis, View


def expert_witness(view: View) -> Outcome:
    """EnCase E01: sections with an Adler-32 each, to `done` or `next`."""
    position = 13
    if view.u8(8) != 1:
        raise NotThis
    sections = 0
    while True:
        view.step()
        head = view.take(position, 76)
        if zlib.adler32(head[:72]) != int.from_bytes(head[72:76], "little"):
            raise Broken(position, "a section's checksum is wrong")
        name = head[:16].split(b"\0")[0]
        following, size = int.from_bytes(head[16:24], "little"), int.from_bytes(head[24:32], "little")
        sections += 1
        view.mark(position + 76)
        if name in (b"done", b"next"):
            end = position + max(76, size if size < 1 << 20 else 76)
            return complete(view.need(end), CHECKED, "sections to the last, checksums right", sections=sections)
        if following <= position:
            raise Broken(position, "a section that does not lead on")
        position = view.need(following)


def vhd(view: View) -> Outcome:
    """VHD with a header at its start (dynamic or differencing): the last block, then the footer."""
    foot = view.take(0, 512)
    total = sum(foot) - sum(foot[64:68])
    if (~total & 0xFFFFFFFF) != int.from_bytes(foot[64:68], "big"):
        raise NotThis
    kind = int.from_bytes(foot[60:64], "big")
    view.mark(512)
    if kind == 2:
        return complete(512, SIZED, "the footer of a fixed image: the disk lies before it", kind="vhd-footer")
    at = int.from_bytes(foot[16:24], "big")
    if view.take(at, 8) != b"cxsparse":
        raise Broken(at, "no dynamic header")
    table, count, block = view.b64(at + 16), view.b32(at + 28), view.b32(at + 32)
    if not 0 < count <= 1 << 24 or block < 512 or block & block - 1:
        raise Broken(at, "its block table contradicts itself")
    end = table + -(-4 * count // 512) * 512
    data = view.take(table, 4 * count)
    bitmap = -(-(block // 512 // 8) // 512) * 512
    for index in range(count):
        sector = int.from_bytes(data[4 * index : 4 * index + 4], "big")
        if sector != 0xFFFFFFFF:
            end = max(end, sector * 512 + bitmap + block)
    view.mark(end)
    if view.take(end, 8) == b"conectix":
        return complete(view.need(end + 512), WALKED, "its blocks and the footer after them")
    raise Broken(end, "no footer after its last block")


def vhdx(view: View) -> Outcome:
    """VHDX: the largest region and block of its tables."""
    regions = 192 << 10
    if view.take(regions, 4) != b"regi":
        raise NotThis
    view.mark(regions)
    count, end, bat, bat_size = view.u32(regions + 8), 1 << 20, 0, 0
    if not 0 < count <= 2047:
        raise Broken(regions, "its region table contradicts itself")
    for index in range(count):
        at = regions + 16 + 32 * index
        offset, size = view.u64(at + 16), view.u32(at + 24)
        end = max(end, offset + size)
        if view.take(at, 16) == bytes.fromhex("6677c22d23f600429d64115e9bfd4a08"):
            bat, bat_size = offset, size
    for at in (64 << 10, 128 << 10):
        if view.take(at, 4) == b"head":
            end = max(end, view.u64(at + 72) + view.u32(at + 68))
    block = 32 << 20
    regions_of = {view.take(regions + 16 + 32 * i, 16): view.u64(regions + 32 + 32 * i) for i in range(count)}
    meta = regions_of.get(bytes.fromhex("06a27c8b90479a4bb8fe575f050f886e"), 0)
    if meta and view.take(meta, 8) == b"metadata":
        for index in range(min(view.u16(meta + 10), 2047)):
            at = meta + 32 + 32 * index
            if view.take(at, 16) == bytes.fromhex("3767a1ca36fa434db3b633f0aa44e76b"):
                block = view.u32(meta + view.u32(at + 16))
    data = view.take(bat, min(bat_size, 64 << 20))
    for index in range(0, len(data) - 7, 8):
        value = int.from_bytes(data[index : index + 8], "little")
        if value & 7 in (6, 7):
            end = max(end, (value >> 20 << 20) + block)
    return complete(view.need(end), SIZED, "its regions and blocks; the file may be longer")


def vdi(view: View) -> Outcome:
    """VirtualBox image: blocks in use times block size after the data offset."""
    if view.u32(64) != 0xBEDA107F or view.u32(72) < 0x180:
        raise NotThis
    blocks_at, data = view.u32(0x154), view.u32(0x158)
    size, used = view.u32(0x178), view.u32(0x184)
    if not size or size & size - 1 or data < blocks_at:
        raise NotThis
    view.mark(0x188)
    return complete(view.need(data + size * used), WALKED, "blocks in use after the data offset")


def vmdk(view: View) -> Outcome:
    """VMware sparse extent: the highest grain that its tables name."""
    if view.u32(4) not in (1, 2, 3):
        raise NotThis
    capacity, grain, descriptor, descriptor_size = (view.u64(at) for at in (12, 20, 28, 36))
    per_table, directory, overhead = view.u32(44), view.u64(56), view.u64(64)
    if not grain or grain & grain - 1 or per_table != 512 or capacity > 1 << 40:
        raise NotThis
    view.mark(79)
    if view.u32(8) & 1 << 16:
        raise Broken(8, "a stream-optimised extent: its end is not in the header")
    end = max(overhead, descriptor + descriptor_size) * 512
    tables = -(-capacity // (grain * per_table))
    entries = view.take(directory * 512, 4 * tables)
    for index in range(tables):
        table = int.from_bytes(entries[4 * index : 4 * index + 4], "little")
        if not table:
            continue
        data = view.take(table * 512, 4 * per_table)
        end = max(end, table * 512 + 4 * per_table)
        highest = max(int.from_bytes(data[i : i + 4], "little") for i in range(0, len(data), 4))
        if highest > 1:
            end = max(end, (highest + grain) * 512)
        view.mark(end)
    return complete(view.need(end), WALKED, "the highest grain of its tables")


def qcow2(view: View) -> Outcome:
    """QCOW2: the highest cluster with references."""
    if view.b32(4) not in (2, 3):
        raise NotThis
    bits = view.b32(20)
    if not 9 <= bits <= 21:
        raise NotThis
    cluster, table, clusters = 1 << bits, view.b64(48), view.b32(56)
    order = view.b32(96) if view.b32(4) == 3 else 4
    if order > 6 or clusters > 1024:
        raise NotThis
    view.mark(72)
    unit = 1 << order
    end = table + clusters * cluster
    data = view.take(table, clusters * cluster)
    for index in range(0, len(data), 8):
        block = int.from_bytes(data[index : index + 8], "big")
        if not block:
            continue
        counts = view.take(block, cluster)
        width = max(1, unit // 8)
        last = len(counts.rstrip(b"\0"))
        if last:
            per = cluster * 8 // unit
            number = index // 8 * per + (last - 1) // width
            end = max(end, (number + 1) * cluster)
        view.mark(end)
    return complete(view.need(end), SIZED, "the highest cluster with references, rounded up to a cluster")


def pcap(view: View) -> Outcome:
    """libpcap capture: records with plausible lengths and times."""
    magic = view.u32(0)
    order = "little" if magic in (0xA1B2C3D4, 0xA1B23C4D) else "big"
    nano = magic in (0xA1B23C4D, 0x4D3CB2A1)

    def number(at: int, size: int = 4) -> int:
        return int.from_bytes(view.take(at, size), order)  # type: ignore[arg-type]

    if number(4, 2) != 2 or number(6, 2) != 4:
        raise NotThis
    view.mark(24)
    position, first, packets = 24, None, 0
    while position + 16 <= view.size:
        view.step(50_000_000)
        seconds, part, captured, original = (number(position + 4 * i) for i in range(4))
        if captured > 262_144 or captured > original or part >= (1_000_000_000 if nano else 1_000_000) or not original:
            break
        if first is not None and abs(seconds - first) > 31_536_000:
            break
        first = seconds if first is None else first
        position = view.need(position + 16 + captured)
        packets += 1
        view.mark(position)
    return complete(position, WALKED, f"{packets} packets one after another", packets=packets)


def pcapng(view: View) -> Outcome:
    """pcapng: blocks with their length at both ends."""
    order = "little" if view.take(8, 4) == b"\x4d\x3c\x2b\x1a" else "big"
    if order == "big" and view.take(8, 4) != b"\x1a\x2b\x3c\x4d":
        raise NotThis
    position, blocks = 0, 0
    while position + 12 <= view.size:
        view.step(50_000_000)
        size = int.from_bytes(view.take(position + 4, 4), order)  # type: ignore[arg-type]
        if size < 12 or size % 4 or position + size > view.size:
            break
        if int.from_bytes(view.take(position + size - 4, 4), order) != size:  # type: ignore[arg-type]
            break
        position += size
        blocks += 1
        view.mark(position)
    if not blocks:
        raise NotThis
    return complete(position, WALKED, f"{blocks} blocks, each with its length repeated", blocks=blocks)


def keepass(view: View) -> Outcome:
    """KeePass 2 database: header fields, then HMAC blocks (version 4) or to the end of the area."""
    version = view.u32(8)
    if view.u32(4) not in (0xB54BFB67, 0xB54BFB66):
        raise NotThis
    position = 12
    view.mark(12)
    while True:
        view.step(64)
        kind = view.u8(position)
        size = view.u32(position + 1) if version >> 16 >= 4 else view.u16(position + 1)
        position += (5 if version >> 16 >= 4 else 3) + size
        view.need(position)
        if kind > 12:
            raise Broken(position, "an unknown header field")
        view.mark(position)
        if not kind:
            break
    if version >> 16 < 4:
        raise Broken(position, "an old form: its end is not written anywhere")
    position += 64
    while True:
        view.step()
        size = view.u32(position + 32)
        position = view.need(position + 36 + size)
        view.mark(position)
        if not size:
            return complete(position, WALKED, "blocks to the empty one", extension="kdbx")


def luks(view: View) -> Outcome:
    """LUKS header; what it encrypts is the rest of the partition."""
    if view.b16(6) not in (1, 2):
        raise NotThis
    view.mark(8)
    size = view.b64(8) if view.b16(6) == 2 else view.b32(104) * 512
    if not 4096 <= size <= 1 << 28:
        raise NotThis
    return complete(view.need(size), SIZED, "its header (what it encrypts follows)")
