"""Code pages by the byte 29 of the header, or by the driver's name in tables of level 7."""

from __future__ import annotations

import codecs
import re

DEFAULT = "cp1252"
_PAGES: dict[int, str] = {
    **dict.fromkeys((0x01, 0x09, 0x0B, 0x0D, 0x0F, 0x11, 0x15, 0x18, 0x19, 0x1B), "cp437"),
    **dict.fromkeys((0x02, 0x0A, 0x0E, 0x10, 0x12, 0x14, 0x16, 0x1A, 0x1D, 0x25, 0x37), "cp850"),
    **dict.fromkeys((0x03, 0x57, 0x58, 0x59), "cp1252"), 0x04: "mac_roman",
    **dict.fromkeys((0x08, 0x17, 0x66), "cp865"), **dict.fromkeys((0x13, 0x7B), "cp932"),
    **dict.fromkeys((0x1C, 0x6C), "cp863"), **dict.fromkeys((0x1F, 0x22, 0x23, 0x40, 0x64, 0x87), "cp852"),
    0x24: "cp860", **dict.fromkeys((0x26, 0x65), "cp866"), **dict.fromkeys((0x4D, 0x7A), "cp936"),
    **dict.fromkeys((0x4E, 0x79), "cp949"), **dict.fromkeys((0x4F, 0x78), "cp950"),
    **dict.fromkeys((0x50, 0x7C), "cp874"), 0x67: "cp861", **dict.fromkeys((0x6A, 0x86), "cp737"),
    **dict.fromkeys((0x6B, 0x88), "cp857"), 0x7D: "cp1255", 0x7E: "cp1256", 0x96: "mac_cyrillic",
    0x97: "mac_latin2", 0x98: "mac_greek", 0xC8: "cp1250", 0xC9: "cp1251", 0xCA: "cp1254", 0xCB: "cp1253",
    0xCC: "cp1257",
}  # fmt: skip
_STAND_INS = {0x68: "Kamenicky (895)", 0x69: "Mazovia (620)"}
_DRIVER = re.compile(r"DB(\d{3,4})")


def guessed(sample: bytes) -> str:
    """DOS programs put the letters with marks from 0x80 to 0xA5, those of Windows from 0xC0 on; newer ones write UTF-8.
    """
    try:
        if not sample.isascii() and codecs.getincrementaldecoder("utf-8")().decode(sample):
            return "utf-8"
    except UnicodeDecodeError:
        pass  # one byte a letter, then: by where the letters lie
    dos = sum(0x80 <= byte <= 0xA5 for byte in sample)
    windows = sum(byte >= 0xC0 for byte in sample)
    return "cp850" if 2 * dos > windows else DEFAULT  # where Windows has quotes and dashes, DOS has its letters


def encoding_of(code_page: int, driver: str = "", sample: bytes = b"") -> tuple[str, str]:
    """The codec for text, and a note where it is not what the table says (empty: it is). ``sample``: some rows, from
    which a page that is not declared is guessed."""
    if driver:
        match = _DRIVER.match(driver)
        page = f"cp{match.group(1)}" if match else "cp1252" if driver.startswith("DBWIN") else ""
        if page in _PAGES.values() or page == "cp1252":
            return page, ""
        return DEFAULT, f"the language driver is not known; read as {DEFAULT}"
    if code_page in _PAGES:
        return _PAGES[code_page], ""
    if code_page in _STAND_INS:
        return "cp852", f"{_STAND_INS[code_page]} has no codec here; read as cp852, some letters are wrong"
    if code_page == 0:
        looks = guessed(sample)
        return looks, f"no code page is declared; it looks like {looks}"
    return DEFAULT, f"code page 0x{code_page:02X} is not known; read as {DEFAULT}"
