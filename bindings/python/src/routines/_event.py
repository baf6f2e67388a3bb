"""Events, and what becomes of them."""

from __future__ import annotations

from typing import Any, Mapping, NamedTuple

from ._values import Payload, to_bytes


class Event:
    """Something that happened outside. Never changes.

    ``source`` is "github" or the name of a source of your own; ``type`` GitHub's ``X-GitHub-Event``, or the
    source's own word. ``payload`` is JSON, untrusted; of GitHub, the raw body. ``id`` is the delivery id: a second
    event of the same source, account and id within 8 days is a duplicate. ``attributes`` are of custom events.
    An empty ``account`` means everybody's routines.
    """

    __slots__ = ("account", "attributes", "id", "payload", "source", "type")

    def __init__(
        self,
        source: str,
        type: str = "",
        payload: Payload = b"",
        *,
        id: str = "",
        attributes: Mapping[str, str] | None = None,
        account: str = "",
    ) -> None:
        self.source = source
        self.type = type
        self.payload = to_bytes(payload)
        self.id = id
        self.attributes = dict(attributes or {})
        self.account = account

    def __repr__(self) -> str:
        named = f" {self.id}" if self.id else ""
        return f"<Event {self.source} {self.type}{named}, {len(self.payload)} bytes>"


class Decision(NamedTuple):
    """What became of an event for one routine: ``reason`` is "fired", or why it did not."""

    reason: str
    account: str
    routine: str
    trigger_id: str
    session_id: str
    detail: str
    event_id: str

    @classmethod
    def _of(cls, data: dict[str, Any]) -> Decision:
        return cls(*(str(data.get(name, "")) for name in cls._fields))


class Delivered(NamedTuple):
    """An event that is durable, and what it starts."""

    event_id: str
    duplicate: bool
    decisions: list[Decision]

    @property
    def session_ids(self) -> list[str]:
        """The sessions that it started."""
        return [each.session_id for each in self.decisions if each.session_id]

    @classmethod
    def _of(cls, data: dict[str, Any]) -> Delivered:
        listed = [Decision._of(each) for each in data.get("decisions", [])]
        return cls(data.get("event_id", ""), bool(data.get("duplicate", False)), listed)


class Fired(NamedTuple):
    """A durable session. ``read_key`` opens its page without a token."""

    session_id: str
    event_id: str
    read_key: str
    duplicate: bool

    @classmethod
    def _of(cls, data: dict[str, Any]) -> Fired:
        return cls(
            data["session_id"],
            data.get("event_id", ""),
            data.get("read_key", ""),
            bool(data.get("duplicate", False)),
        )
