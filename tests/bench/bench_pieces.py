"""Files in two pieces: how many are put together to the very bytes, by type.

Contents from noise to the very regular, because regular data keep a decoder going long after the break; gaps of noise,
zeros, text, a photograph, and the middle of another file of the same type, which is the hardest.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import random
import zipfile

from engine.carve.carving import carve
from engine.carve.find import Find
from engine.carve.fragments import Search, repair
from engine.carve.signatures import Signature, table
from engine.source.extents import BytesSource
from tests.bench.report import Report
from tests.engine.carve.made_files import picture, streamed_zip

CLUSTER = 4096
GAPS = ("random", "zeros", "text", "picture", "same kind")
_AIMS = {"jpeg": 70.0}


def run(report: Report) -> None:
    """Each file once with each kind of gap (a small run: the first two files of a type)."""
    ours, others = files(1), files(77)
    for kind, many in ours.items():
        right = wrong = total = 0
        for number, content in enumerate(many[:2] if report.small else many):
            for gap in GAPS:
                verdict = trial(kind, content, others[kind][number], gap, f"{kind} {number} {gap}")
                total += 1
                right += verdict == "right"
                wrong += verdict == "wrong"
        name = f"{kind}: {total} files in two pieces, put together"
        report.value(name, 100 * right / total, "%", aim=_AIMS.get(kind, 100.0))
        if wrong:
            report.value(f"{kind}: of them put together wrongly", 100 * wrong / total, "%")


def trial(kind: str, content: bytes, other: bytes, gap: str, seed: str) -> str:
    """``right``, ``wrong`` (put together from other bytes, and called sure), ``unsure`` or ``none``."""
    data = split(content, random.Random(seed), gap, other)
    source = BytesSource(data)
    found = next((one for one in carve(source, table()) if one.start == 3 * CLUSTER and one.inside is None), None)
    whole = None if found is None else repair(source, found, signature_of(found, kind), Search(CLUSTER, 128))
    if whole is None:
        return "none"
    if b"".join(data[start : start + size] for start, size in whole.extents) == content:
        return "right"
    return "wrong" if whole.proven else "unsure"


def signature_of(find: Find, kind: str) -> Signature:
    """The signature that the find came from (documents are ZIP files)."""
    return next((one for one in table() if one.kind == find.kind), None) or next(
        one for one in table() if one.kind == kind
    )


def split(content: bytes, dice: random.Random, gap: str, other: bytes) -> bytes:
    """``content`` from cluster 3 on, with a gap of 1 to 63 clusters somewhere inside."""
    after, size = dice.randrange(1, -(-len(content) // CLUSTER)) * CLUSTER, dice.randrange(1, 64) * CLUSTER
    if gap == "same kind":
        unit = other[dice.randrange(max(1, len(other) // 2)) :]
    elif gap == "picture":
        unit = picture("JPEG", (400, 300), seed=44, quality=92)
    else:
        unit = {"random": dice.randbytes(size), "zeros": b"\0", "text": b"plain words between files. "}[gap]
    body = (unit * (size // len(unit) + 1))[:size]
    data = dice.randbytes(3 * CLUSTER) + content[:after] + body + content[after:]
    return data + dice.randbytes(-len(data) % CLUSTER + 8 * CLUSTER)


def contents(seed: int) -> dict[str, bytes]:
    """What is packed."""
    dice = random.Random(seed)
    words = [bytes(dice.choices(b"abcdefghijklmnopqrstuvwxyz", k=dice.randrange(2, 11))) for _ in range(3000)]
    counted = b"".join(b"%d words of a sentence, %d\n" % (n, n * n) for n in range(9000))
    return {
        "noise": dice.randbytes(80_000),
        "prose": b" ".join(dice.choice(words) for _ in range(60_000)),
        "log": b"".join(b"2024-03-%02d host%d: request %d took %d ms\n" % (n % 28 + 1, dice.randrange(4), n,
                        dice.randrange(900)) for n in range(12_000)),
        "counted": counted,
        "rows": b"".join(b"%08d" % n + b"ACTIVE  " + bytes(16) + n.to_bytes(4, "little") + b" " * 32
                         for n in range(30_000)),
        "mixed": b"".join(dice.randbytes(9000) + b"text " * 6000 for _ in range(4)),
        "blank": b"".join(bytes(200_000) + dice.randbytes(40) for _ in range(40)) + counted[:60_000],
    }  # fmt: skip


def files(seed: int) -> dict[str, list[bytes]]:
    """Files of every checksummed type, and photographs."""
    parts = contents(seed)
    screen = _screen(seed)
    return {
        "png": [picture("PNG", (200, 150), seed=seed), _saved(screen, "PNG"),
                picture("PNG", (500, 300), seed=seed + 1)],
        "gzip": [gzip.compress(data, 6 + 3 * (n % 2), mtime=1) for n, data in enumerate(parts.values())],
        "bzip2": [bz2.compress(data) for data in parts.values()],
        "xz": [lzma.compress(data) for data in parts.values()],
        "zip": [
            *(_zip({"one": data, "two": parts["counted"][:50_000]}) for data in parts.values()),
            _zip({"[Content_Types].xml": b"<x/>", "word/document.xml": parts["prose"], "docProps/core.xml": b"<y/>"}),
            _zip(parts), _zip({"s": parts["log"][:100_000], "t": parts["noise"]}, zipfile.ZIP_STORED), streamed_zip(),
            _zip({f"{n}.txt": parts["prose"][n * 3000 : n * 3000 + 3000] for n in range(60)}),
        ],
        "jpeg": [_photo(seed, (640, 480), quality=85), _photo(seed + 1, (1200, 900), quality=80),
                 _photo(seed + 2, (800, 600), quality=90, progressive=True), _photo(seed + 4, (640, 480), quality=70),
                 picture("JPEG", (400, 300), seed=seed, quality=92), _saved(screen, "JPEG", quality=85)],
    }  # fmt: skip


def _zip(parts: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return out.getvalue()


def _saved(image: object, form: str, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, form, **options)  # type: ignore[attr-defined]
    return out.getvalue()


def _screen(seed: int) -> object:
    """Text on a white page."""
    from PIL import Image, ImageDraw

    image, dice = Image.new("RGB", (1200, 900), "white"), random.Random(seed)
    draw = ImageDraw.Draw(image)
    for _ in range(1800):
        draw.text((dice.randrange(1200), dice.randrange(900)), str(dice.random()), fill=(0, 0, dice.randrange(255)))
    return image


def _photo(seed: int, size: tuple[int, int], **options: object) -> bytes:
    """Soft shapes of several sizes with a little grain."""
    from PIL import Image, ImageChops

    dice = random.Random(seed)
    layers = []
    for width in (4, 12, 40):
        low = (width, width * 3 // 4)
        layers.append(Image.frombytes("RGB", low, dice.randbytes(low[0] * low[1] * 3)).resize(size, Image.BICUBIC))  # type: ignore[attr-defined]
    image = Image.blend(Image.blend(layers[0], layers[1], 0.35), layers[2], 0.2)
    grain = bytes(128 + (byte - 128) // 12 for byte in dice.randbytes(size[0] * size[1] * 3))
    return _saved(ImageChops.add(image, Image.frombytes("RGB", size, grain), 1, -128), "JPEG", **options)
