"""Ways through what is inside an image: partitions, files, bytes, recordings, documents, arrays."""

from __future__ import annotations

from tests.gallery.camera import Camera
from tests.gallery.material import Material
from tests.gallery.walks import MACHINE, machine, standing_in, walk


@walk("image", "image-no-map")
async def an_image(camera: Camera, made: Material) -> None:
    """With and without a map."""
    async with camera.deck(made.disk, map=str(made.map)) as stage:
        await stage.until("rescued")
        await stage.take("image", "/srv/images/disk.img")
    async with camera.deck(made.blank) as stage:
        await stage.until("nobody can say")
        await stage.take("image-no-map", "/srv/images/blank.img")


@walk("partitions", "partition-fields", "partition-plan", "partition-preview", "partition-search-empty",
      "partition-search", "partition-table", jobs=True)  # fmt: skip
async def partitions(camera: Camera, made: Material) -> None:
    """A table that lost an entry, a boot sector that tells something else."""
    subject = "/srv/images/lost.img"
    async with camera.deck(made.lost) as stage:
        await stage.until("nobody can say")
        await stage.press("t")
        await stage.until("FAT32")
        await stage.press("down", "down")
        await stage.until("hidden-sectors")
        await stage.take("partitions", subject)
        await stage.press("enter")
        await stage.until("wrong or unread")
        await stage.press("n")
        await stage.take("partition-fields", subject)
        await stage.press("q", "f")
        await stage.until("WRITES ON")
        await stage.take("partition-plan", subject)
        await stage.press("v")
        await stage.pilot.pause(0.5)
        await stage.take("partition-preview", subject)
        await stage.press("q", "q", "slash")
        await stage.until("none yet")
        await stage.take("partition-search-empty", subject)
        await stage.press("s")
        await stage.until("not in the present table")
        await stage.take("partition-search", subject)
        await stage.press("t")
        await stage.until("new")
        await stage.take("partition-table", subject)


@walk("partitions-empty", "files-empty", "carving-empty", "recordings-empty", "recordings-scan-empty")
async def nothing_inside(camera: Camera, made: Material) -> None:
    """An image in which there is nothing."""
    subject = "/srv/images/blank.img"
    async with camera.deck(made.blank) as stage:
        await stage.until("nobody can say")
        for key, scene, words in (
            ("t", "partitions", "nobody can say"), ("F", "files", "file"), ("C", "carving", "none yet"),
            ("V", "recordings", "no recorder"),
        ):  # fmt: skip
            await stage.press(key)
            await stage.until(words)
            await stage.pilot.pause(0.5)
            await stage.take(f"{scene}-empty", subject)
            if scene == "recordings":
                await stage.press("c")
                await stage.until("none yet")
                await stage.take("recordings-scan-empty", subject)
            await stage.press("q")


@walk("volumes", "files-not-listed", "files", "files-hit", "file-look", jobs=True)
async def files(camera: Camera, made: Material) -> None:
    """The files of a volume, and which are hit."""
    subject = "/srv/cases/smith"
    async with camera.deck(made.case.directory) as stage:
        await stage.until("INSIDE")
        await stage.press("F")
        await stage.until("PHOTOS")
        await stage.take("volumes", subject)
        await stage.press("enter")
        await stage.until("not listed yet")
        await stage.take("files-not-listed", subject)
        await stage.press("i")
        await stage.until("files lack")
        await stage.take("files", subject)
        await stage.press("v")
        await stage.until("files hit")
        await stage.pilot.pause(0.3)
        await stage.take("files-hit", subject)
        await stage.press("enter")
        await stage.until("never read")
        await stage.take("file-look", subject)


@walk("bytes", "bytes-structures", "bytes-structure", "bytes-marks")
async def the_bytes(camera: Camera, made: Material) -> None:
    """Bytes, holes, structures."""
    subject = "/srv/cases/smith"
    async with camera.deck(made.case.directory) as stage:
        await stage.until("INSIDE")
        await stage.press("x")
        await stage.until("00000000  ")
        await stage.press("b")
        await stage.type("the table")
        await stage.press("enter")
        view = stage.app.screen.view  # type: ignore[attr-defined]
        view.move_to((2048 + 9_000) * 512 - 64)
        await stage.until("-- -- --")
        await stage.take("bytes", subject)
        await stage.press("B")
        await stage.pilot.pause(0.3)
        await stage.take("bytes-marks", subject)
        await stage.press("q")
        await stage.press("g", "t")
        await stage.pilot.pause(0.5)
        await stage.take("bytes-structures", subject)
        await stage.press("enter")
        await stage.pilot.pause(0.7)
        await stage.take("bytes-structure", subject)


@walk("carving", jobs=True)
async def carving(camera: Camera, made: Material) -> None:
    """Files by their own structure."""
    async with camera.deck(made.disk, map=str(made.map)) as stage:
        await stage.until("rescued")
        await stage.press("C")
        await stage.until("none yet")
        await stage.press("s")
        await stage.until("done")
        await stage.pilot.pause(0.5)
        await stage.take("carving", "/srv/images/disk.img")


@walk("recordings", "recording", "recordings-extract", "recordings-scan", jobs=True)
async def recordings(camera: Camera, made: Material) -> None:
    """A recorder's disk."""
    subject = "/srv/images/recorder.img"
    async with camera.deck(made.recorder, map=str(made.recorder.with_suffix(".map"))) as stage:
        await stage.until("rescued")
        await stage.press("V")
        await stage.until("Tatort")
        await stage.take("recordings", subject)
        await stage.press("enter")
        await stage.until("unread")
        await stage.pilot.pause(1.5)
        await stage.take("recording", subject)
        await stage.press("q", "space", "space", "x")
        await stage.until("2 titles")
        await stage.take("recordings-extract", subject)
        await stage.press("q", "c")
        await stage.until("none yet")
        await stage.press("s")
        await stage.until("pieces")
        await stage.pilot.pause(1.0)
        await stage.press("down", "down")
        await stage.take("recordings-scan", subject)


@walk("document", "document-result", "documents", jobs=True)
async def documents(camera: Camera, made: Material) -> None:
    """Broken documents."""
    subject = "/srv/files/letter.doc"
    async with camera.deck(made.letter) as stage:
        await stage.until("verified")
        await stage.take("document", subject)
        for _ in range(5):
            await stage.press("full_stop")
        await stage.until("WordDocument")
        await stage.take("document-result", subject)
        await stage.press("m", "enter")
        await stage.until("repaired", "right")
        await stage.pilot.pause(0.5)
        await stage.take("documents", "/srv/files")


@walk("array-empty", "array", "array-evidence", "array-by-hand", needs=("mkfs.ext4",), jobs=True)
async def arrays(camera: Camera, made: Material) -> None:
    """An array without its controller."""
    with standing_in(made.members[0].parent), machine(MACHINE):
        async with camera.deck() as stage:
            await stage.until("disk0.img")
            stage.app.open_array()
            await stage.pilot.pause(0.3)
            await stage.take("array-empty", "/srv/images")
            await stage.press("A", "enter")
            await stage.until("3 images added")
            await stage.press("d")
            await stage.until("proven")
            await stage.take("array", "/srv/images")
            await stage.press("v")
            await stage.until("strips agree")
            await stage.take("array-evidence", "/srv/images")
            await stage.press("q", "o")
            await stage.until("proven by what")
            await stage.take("array-by-hand", "/srv/images")


@walk("sectors", jobs=True)
async def sectors(camera: Camera, made: Material) -> None:
    """Sectors of 520 bytes."""
    async with camera.deck(made.strange) as stage:
        await stage.until("nobody can say")
        await stage.press("S")
        await stage.until("512 of them data")
        await stage.press("v")
        await stage.until("guard does not fit")
        await stage.take("sectors", "/srv/images/raw.img")


@walk("decoded", "decoded-problems")
async def decoded(camera: Camera, made: Material) -> None:
    """A table of a database."""
    async with camera.deck(made.table, map=str(made.table.with_suffix(".map"))) as stage:
        await stage.until("dBASE")
        await stage.press("n")
        await stage.take("decoded", "/srv/files/people.dbf")
        await stage.press("p")
        await stage.pilot.pause(0.3)
        await stage.take("decoded-problems", "/srv/files/people.dbf")
