"""Secrets that must not appear in anything that is kept or shown, in any form.

The tests register theirs; after every test, what its servers left behind is searched for all of them.
"""

import base64
import pathlib
import secrets
import urllib.parse

OF_THE_HOST = "HOST_CANARY"  # a variable that every server is started with
_known = set()


def add(value=None):
    """Registers a secret, a new one where none is given; returns it."""
    value = value or f"canary-{secrets.token_hex(12)}"
    _known.add(value)
    return value


def forms(value):
    """As it is, base64 at each alignment and in both alphabets, percent-encoded, and hexadecimal."""
    raw = value.encode()
    found = {raw, raw.hex().encode(), raw.hex().upper().encode()}
    for before in range(3):
        encoded = base64.b64encode(b"x" * before + raw).rstrip(b"=")
        inner = encoded[(before * 8 + 5) // 6:(before + len(raw)) * 8 // 6]
        found |= {inner, inner.replace(b"+", b"-").replace(b"/", b"_")}
    percent = "".join(f"%{byte:02X}" for byte in raw)
    found |= {percent.encode(), percent.lower().encode(), urllib.parse.quote(value, safe="").encode()}
    return found


def in_text(text, values=None):
    """The forms of secrets that stand in a text."""
    data = text.encode() if isinstance(text, str) else text
    return [form.decode() for value in (values or _known) for form in forms(value) if form in data]


def found_in(*places):
    """Files below those places that hold a secret, but for those in folders named `secrets`."""
    holders = []
    for place in places:
        for path in [place, *pathlib.Path(place).rglob("*")]:
            if path.is_file() and not path.is_symlink() and path.parent.name != "secrets":
                holders += [(str(path), form) for form in in_text(path.read_bytes())]
    return holders
