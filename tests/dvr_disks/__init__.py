"""Disks as video recorders write them, built byte by byte from the formats; nothing here is shared with the readers.

    stream = mpeg.stream(packs=200, seed=1)              # a small program stream, or mpeg.real_stream(...) by ffmpeg
    made = pioneer.disk("545h", [pioneer.Title(...)])    # made.image: put more, wipe, shift, swap, save
    path = made.image.save(folder / "disk")

``Image.laid`` tells where each title's bytes were put, for tests that must not ask the reader.
"""
