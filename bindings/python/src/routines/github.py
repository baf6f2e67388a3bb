"""GitHub's deliveries: signatures, and events."""

from __future__ import annotations

from typing import Union

from . import _core
from ._event import Event
from ._values import Payload

__all__ = ["event", "sign", "verify_signature"]

_Text = Union[str, bytes]


def _bytes(text: _Text) -> bytes:
    return text.encode() if isinstance(text, str) else bytes(text)


def verify_signature(secret: _Text, body: bytes, header: _Text | None) -> bool:
    """Whether `header` (``X-Hub-Signature-256``) is the HMAC-SHA256 of the raw body under the secret.

    In constant time. False for an empty secret, and where there is no header.
    """
    if header is None:
        return False
    return _core.verify_signature(_bytes(secret), bytes(body), _bytes(header))


def sign(secret: _Text, body: bytes) -> str:
    """The header's value for a body: for tests and senders."""
    return _core.sign_body(_bytes(secret), bytes(body))


def event(type: str, payload: Payload, *, delivery_id: str = "") -> Event:
    """A delivery whose signature was checked: ``X-GitHub-Event``, the raw body, ``X-GitHub-Delivery``."""
    return Event("github", type, payload, id=delivery_id)
