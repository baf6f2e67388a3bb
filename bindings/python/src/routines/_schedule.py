"""When a schedule fires."""

from __future__ import annotations

from datetime import datetime, timezone, tzinfo

from . import _core
from ._errors import InvalidError
from ._values import from_ns, to_ns

_MOST = 1_000_000


class Schedule:
    """A cron expression of five fields, or a macro, in an IANA time zone. Never changes.

    ``docs/schedules.md`` says what it means at a change of daylight saving. Raises ``InvalidError``.
    """

    __slots__ = ("_core", "_zone", "cron", "time_zone")

    def __init__(self, cron: str, *, time_zone: str = "UTC") -> None:
        self._core = _core.Schedule(cron, time_zone)
        self._zone: tzinfo | None = None
        self.cron = cron
        self.time_zone = time_zone

    def _tz(self) -> tzinfo:
        if self._zone is None:
            # The library found the zone; Python may have no database.
            try:
                from zoneinfo import ZoneInfo

                self._zone = ZoneInfo(self.time_zone)
            except Exception:
                self._zone = timezone.utc
        return self._zone

    def next(self, after: datetime | None = None) -> datetime | None:
        """The first instant after `after` (default: now), in the schedule's zone; None: never again."""
        ns = self._core.next(to_ns(after or datetime.now(timezone.utc), "after"))
        return None if ns is None else from_ns(ns, self._tz())

    def previous(self, before: datetime | None = None) -> datetime | None:
        """The last instant before `before` (default: now); None: there is none."""
        ns = self._core.previous(to_ns(before or datetime.now(timezone.utc), "before"))
        return None if ns is None else from_ns(ns, self._tz())

    def between(self, start: datetime, end: datetime, *, limit: int = 1000) -> list[datetime]:
        """The instants from `start` (included) to `end` (not included), the first `limit` of them."""
        if not 0 <= limit <= _MOST:
            raise InvalidError(f"limit: must be from 0 to {_MOST}")
        zone = self._tz()
        found = self._core.between(to_ns(start, "start"), to_ns(end, "end"), limit)
        return [from_ns(ns, zone) for ns in found]

    def describe(self) -> str:
        """In words: "weekdays at 02:07 in Europe/Berlin"."""
        return self._core.describe()

    def __repr__(self) -> str:
        return f"Schedule({self.cron!r}, time_zone={self.time_zone!r})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Schedule):
            return NotImplemented
        return (self.cron, self.time_zone) == (other.cron, other.time_zone)

    def __hash__(self) -> int:
        return hash((self.cron, self.time_zone))
