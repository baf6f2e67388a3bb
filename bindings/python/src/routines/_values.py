"""Times and payloads, between Python and the C ABI."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from typing import Any, Mapping, Union

from ._errors import InvalidError

# JSON as a dict, or its text.
Payload = Union[Mapping[str, Any], str, bytes, bytearray, memoryview]

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MICROSECOND = timedelta(microseconds=1)
_MOST = 2**63 - 1


def to_ns(time: datetime, name: str) -> int:
    """Nanoseconds since 1970; the time must say its zone."""
    if time.tzinfo is None or time.utcoffset() is None:
        raise InvalidError(f"{name}: has no time zone; give an aware datetime")
    ns = (time - _EPOCH) // _MICROSECOND * 1000
    if not -_MOST <= ns <= _MOST:
        raise InvalidError(f"{name}: must be between the years 1678 and 2262")
    return ns


def from_ns(ns: int, zone: Any) -> datetime:
    return (_EPOCH + timedelta(microseconds=ns // 1000)).astimezone(zone)


def duration_ns(duration: timedelta, name: str) -> int:
    ns = duration // _MICROSECOND * 1000
    if not 0 <= ns <= _MOST:
        raise InvalidError(f"{name}: must not be negative, nor longer than 292 years")
    return ns


def parse_time(text: str) -> datetime:
    """RFC 3339 in UTC, as the library writes it, with up to nine digits of a second."""
    whole, _, fraction = text.rstrip("Z").partition(".")
    time = datetime.strptime(whole, "%Y-%m-%dT%H:%M:%S").replace(tzinfo=timezone.utc)
    return time + timedelta(microseconds=int(fraction.ljust(6, "0")[:6])) if fraction else time


def to_bytes(payload: Payload) -> bytes:
    """What the library reads; of bytes, themselves."""
    if isinstance(payload, bytes):
        return payload
    if isinstance(payload, str):
        return payload.encode()
    if isinstance(payload, (bytearray, memoryview)):
        return bytes(payload)
    return json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()
