"""Sessions: looked at, followed, waited for."""

from __future__ import annotations

import json
import time
from datetime import datetime
from typing import TYPE_CHECKING, Any, Iterator, NamedTuple

from . import _core
from ._errors import CancelledError, TimedOutError
from ._values import parse_time

if TYPE_CHECKING:
    from ._engine import Engine

# How long a signal, such as that of Ctrl-C, may wait to be seen.
_SLICE = 0.1
_PAGE = 1000
TERMINAL = frozenset({"succeeded", "failed", "cancelled", "timed_out", "lost"})


class LogEntry(NamedTuple):
    """One entry of a session's log.

    ``sequence`` counts without gaps; ``kind`` is "output", "assistant_text", "tool_call", "state_changed" …, and
    ``data`` what it says, as docs/sessions.md has it.
    """

    sequence: int
    time: datetime
    kind: str
    data: dict[str, Any]

    @property
    def text(self) -> str:
        """What it says in words, where it does."""
        return str(self.data.get("text", ""))

    @classmethod
    def _of(cls, data: dict[str, Any]) -> LogEntry:
        kind = next((key for key, value in data.items() if isinstance(value, dict)), "")
        return cls(
            int(data["sequence"]), parse_time(data["time"]), kind, data[kind] if kind else {}
        )


class Session:
    """A session of an engine. Its properties are asked for each time."""

    def __init__(self, engine: Engine, session_id: str) -> None:
        self._engine = engine
        self.id = session_id

    def get(self) -> dict[str, Any]:
        """All of it, as ``routines sessions --json`` has it. Raises ``NotFoundError``."""
        data: dict[str, Any] = json.loads(self._engine._core.get_session(self.id))
        return data

    @property
    def state(self) -> str:
        """queued, preparing, running; succeeded, failed, cancelled, timed_out or lost."""
        return str(self.get()["state"])

    @property
    def ended(self) -> bool:
        return self.state in TERMINAL

    @property
    def reason(self) -> str:
        """Of an end that was no success, one word."""
        return str(self.get().get("reason", ""))

    @property
    def message(self) -> str:
        return str(self.get().get("message", ""))

    def cancel(self) -> None:
        """Wishes it to end; it does soon after."""
        self._engine._core.cancel_session(self.id)

    def log(self, *, after: int = 0) -> list[LogEntry]:
        """The entries after the sequence number `after` that there are now."""
        entries: list[LogEntry] = []
        while True:
            page = self._page(entries[-1].sequence if entries else after)
            entries += page
            if len(page) < _PAGE:
                return entries

    def follow(self, *, after: int = 0, timeout: float | None = None) -> Iterator[LogEntry]:
        """Each entry after the sequence number `after`, as it comes, until the session has ended.

        Ctrl-C ends it as it ends everything else. Raises ``TimedOutError`` after `timeout` seconds, and
        ``CancelledError`` where the engine is stopped.
        """
        self._engine._must_run()
        end = None if timeout is None else time.monotonic() + timeout
        self.get()
        while self._wait_log(after, end):
            for entry in self._page(after):
                after = entry.sequence
                yield entry

    def wait(self, timeout: float | None = None) -> dict[str, Any]:
        """Blocks until it has ended, then returns it. Raises as ``follow``."""
        self._engine._must_run()
        end = None if timeout is None else time.monotonic() + timeout
        beyond = 2**62  # after every entry
        while self._wait_log(beyond, end):
            pass
        return self.get()

    def _page(self, after: int) -> list[LogEntry]:
        page = json.loads(self._engine._core.read_log(self.id, after, _PAGE))
        return [LogEntry._of(each) for each in page["events"]]

    def _wait_log(self, after: int, end: float | None) -> bool:
        # False: the session has ended, and its log is told.
        while True:
            left = _SLICE if end is None else min(_SLICE, max(0.0, end - time.monotonic()))
            became = self._engine._core.wait_log(self.id, after, int(left * 1e9))
            if became == _core.ENTRY:
                return True
            if became == _core.ENDED:
                return False
            if became == _core.STOPPING:
                raise CancelledError("the engine is being stopped")
            if end is not None and time.monotonic() >= end:
                raise TimedOutError(f"session {self.id} has not ended in time")

    def __repr__(self) -> str:
        return f"<Session {self.id}>"
