"""What the fields of a BlackBerry database mean: names by type byte, which of them are dates, how their text is coded.

Sources: the protocol headers and field codes of two independent readers of these databases, which agree on everything
below; a real backup with a service book. The alphabet is 3GPP TS 23.038 6.2.1.
"""

from __future__ import annotations

_CALLS = {1: "type", 2: "direction", 3: "duration_s", 4: "date", 6: "status", 7: "unique_id", 11: "phone_type",
          12: "number", 13: "phone_info", 31: "name"}  # fmt: skip
_MAIL = {0: "header", 1: "to", 2: "cc", 3: "bcc", 4: "sender", 5: "from", 6: "reply_to", 11: "subject", 12: "body",
         22: "attachment", 75: "record_id"}  # fmt: skip

NAMES: dict[str, dict[int, str]] = {
    "Phone Call Logs": _CALLS, "Phone History": _CALLS,
    "Messages": _MAIL, "PIN Messages": _MAIL, "Saved Email Messages": _MAIL,
    "SMS Messages": {1: "metadata", 2: "address", 4: "text", 9: "sequence"},
    "Calendar": {1: "type", 2: "subject", 3: "notes", 4: "location", 5: "reminder", 6: "start", 7: "end",
                 11: "accepted_by", 12: "recurrence", 21: "invited", 22: "organizer", 28: "free_busy",
                 30: "time_zone", 40: "private", 43: "calendar_id", 255: "all_day"},
    "Tasks": {1: "type", 2: "subject", 3: "notes", 5: "due", 6: "start", 8: "has_due", 9: "status", 10: "priority",
              12: "recurrence", 14: "alarm_type", 15: "alarm", 16: "time_zone", 17: "categories", 18: "has_alarm"},
    "Memos": {1: "title", 2: "text", 3: "type", 4: "category"},
    "Address Book": {
        1: "email", 2: "phone", 3: "fax", 6: "work", 7: "home", 8: "mobile", 9: "pager", 10: "pin", 14: "radio",
        16: "work_2", 17: "home_2", 18: "other_phone", 19: "mobile_2", 20: "home_fax", 32: "name", 33: "company",
        34: "default_method", 35: "address", 36: "address_2", 37: "address_3", 38: "city", 39: "province",
        40: "postal_code", 41: "country", 42: "job_title", 43: "public_key", 44: "group", 52: "group_link", 54: "url",
        55: "prefix", 59: "categories", 61: "home_address", 62: "home_address_2", 63: "home_address_3", 64: "notes",
        65: "user_1", 66: "user_2", 67: "user_3", 68: "user_4", 69: "home_city", 70: "home_province",
        71: "home_postal_code", 72: "home_country", 77: "image", 82: "birthday", 83: "anniversary", 85: "unique_id",
        86: "nickname",
    },
    "Service Book": {2: "hidden_name", 3: "name", 6: "old_unique_id", 7: "unique_id", 8: "content_id", 9: "config",
                     15: "description", 50: "old_description", 161: "dsid", 162: "bes_domain", 163: "user_id"},
    "Time Zones": {1: "index", 2: "name", 3: "utc_offset_min", 4: "dst", 6: "start_month", 11: "end_month"},
    "Folders": {10: "number", 11: "level", 12: "name", 15: "type"},
}  # fmt: skip
"""Database (without a trailing "- All") -> type byte -> name. A field that stands twice (name) is first, then last."""

DATES: dict[str, dict[int, str]] = {
    "Phone Call Logs": {4: "A"}, "Phone History": {4: "A"}, "Calendar": {5: "B", 6: "B", 7: "B"},
    "Tasks": {5: "B", 6: "B", 15: "B"},
}  # fmt: skip
"""Kinds of date: A milliseconds, B minutes."""

MAIL = ("Messages", "PIN Messages", "Saved Email Messages")
MAIL_DATES = 28
"""Where in a mail's header (the first field, type 0, of 106 bytes) three packed dates stand: received, a copy of it,
sent. The last two bytes of the header's own head and seven 32-bit words come before."""

_NUMBERS: dict[str, dict[int, dict[int, str]]] = {
    "Phone Call Logs": {
        2: {0: "received", 1: "placed", 2: "placed, unanswered", 3: "missed"}, 3: {},
        6: {0: "ok", 1: "busy", 9: "network error"},
    },
    "Tasks": {
        9: {0: "not started", 1: "in progress", 2: "completed", 3: "waiting", 4: "deferred"},
        10: {0: "high", 1: "normal", 2: "low"},
    },
    "Time Zones": {1: {}, 6: {}, 11: {}},
}  # fmt: skip
_NUMBERS["Phone History"] = _NUMBERS["Phone Call Logs"]
_ADDRESSES = frozenset(range(1, 7))
"""Mail fields that hold eight other bytes, then a name and an address, each with its NUL."""

_GSM = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_GSM_MORE = {0x0A: "\f", 0x14: "^", 0x28: "{", 0x29: "}", 0x2F: "\\", 0x3C: "[", 0x3D: "~", 0x3E: "]", 0x40: "|",
             0x65: "€"}  # fmt: skip


def sms_coding(metadata: bytes) -> int | None:
    """How the text of a short message is coded: 0 the GSM alphabet, 1 the phone's 8-bit page, 2 UCS-2; None when its
    metadata do not say.
    """
    return metadata[29] if len(metadata) > 29 and metadata[29] <= 2 else None


def gsm(data: bytes) -> str:
    """Text in the GSM alphabet, one byte a character."""
    text, escaped = [], False
    for byte in data:
        if escaped:
            text.append(_GSM_MORE.get(byte, " "))
            escaped = False
        elif byte == 0x1B:
            escaped = True
        elif byte < 0x80:
            text.append(_GSM[byte])
    return "".join(text)


def field_text(family: str, kind: int, raw: bytes, coding: int | None = None) -> str | None:
    """The text of one field, None when it is none. ``coding``: that of the message it belongs to (``sms_coding``)."""
    numbers = _NUMBERS.get(family, {}).get(kind)
    if numbers is not None and len(raw) in (1, 2, 4):
        number = int.from_bytes(raw, "little")
        return numbers.get(number, str(number))
    if kind in DATES.get(family, {}):
        return None
    if family == "SMS Messages" and kind == 4 and coding is not None:
        return _message(raw, coding)
    if family == "SMS Messages" and kind == 2 and len(raw) > 4:
        raw = raw[4:]
    if family in MAIL and kind in _ADDRESSES and len(raw) > 8:
        parts = [_plain(part) for part in raw[8:].split(b"\0") if part]
        return " ".join(part for part in parts if part) if parts and None not in parts else None
    if not raw.endswith(b"\0") and not raw.isascii():
        return None  # strings end with a NUL; what does not, and is no plain text, is a number or a structure
    return _plain(raw.removesuffix(b"\0"))


def _message(raw: bytes, coding: int) -> str:
    if coding == 2:
        return raw[: len(raw) // 2 * 2].decode("utf-16-be", "replace").replace("\0", "")
    data = raw.rstrip(b"\0") if coding == 0 else raw.replace(b"\0", b"")
    return gsm(data) if coding == 0 else data.decode("cp1252", "replace")


def _plain(body: bytes) -> str | None:
    if len(body) > 1 and body[:1] == b"\0" and len(body) % 2 == 0:
        wide = body.decode("utf-16-be", "replace")
        if wide.isprintable():
            return wide
    if body and not any(byte < 32 and byte not in (9, 10, 13) for byte in body):
        return body.decode("cp1252", "replace")
    return None
