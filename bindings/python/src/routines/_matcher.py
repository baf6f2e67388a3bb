"""Which routines an event starts."""

from __future__ import annotations

import json
import threading
from typing import Any, Iterable, Mapping, NamedTuple

from . import _core
from ._errors import NotFoundError
from ._explanation import Explanation
from ._routine import Routine, loads, text_of
from ._values import Payload, to_bytes


class Match(NamedTuple):
    """A trigger that an event starts; ``position`` is its place in the routine, from 0."""

    routine: Routine
    trigger: str
    position: int

    def __repr__(self) -> str:
        return f"Match({self.routine.account}/{self.routine.name}, {self.trigger})"


class Matcher:
    """A set of routines to match events with; any number of threads may do so at once.

    Matching holds the interpreter's lock (GIL) for payloads under 64 KiB, for which it takes some
    microseconds, and gives it up for larger ones.
    """

    def __init__(self, routines: Iterable[Routine | str | dict[str, Any]] = ()) -> None:
        """Raises ``ConfigError`` for what is no routine."""
        self._core = _core.Matcher()
        self._lock = threading.Lock()
        self._numbers: dict[tuple[str, str], tuple[int, Routine]] = {}
        self.put(*routines)

    def put(self, *routines: Routine | str | dict[str, Any]) -> None:
        """Adds routines, or replaces those of the same account and name; all of them or none."""
        read = [each if isinstance(each, Routine) else loads(text_of(each)) for each in routines]
        found = [[Match(each, id, i) for i, id in enumerate(each.triggers)] for each in read]
        with self._lock:
            numbers = self._core.put_all([each.json for each in read], found)
            for number, each in zip(numbers, read):
                self._numbers[each.account, each.name] = (number, each)

    def remove(self, name: str, *, account: str = "default") -> None:
        """Raises ``NotFoundError``."""
        with self._lock:
            if (account, name) not in self._numbers:
                raise NotFoundError(f"there is no routine {account}/{name} in the matcher")
            self._core.remove(account, name, self._numbers[account, name][0])
            del self._numbers[account, name]

    def match(
        self,
        event: str,
        payload: Payload = b"",
        *,
        source: str = "github",
        attributes: Mapping[str, str] | None = None,
        check: bool = True,
    ) -> list[Match]:
        """The triggers that an event starts.

        ``event`` is the type: GitHub's ``X-GitHub-Event``, or that of a source of your own. A payload in bytes is
        read as it is; a dict is written as JSON first. Raises ``InvalidError`` for what is no payload of that event; with
        ``check=False``, for one that was checked before, the answer may then be any.
        """
        raw = payload if type(payload) is bytes else to_bytes(payload)
        return self._core.match(source, event, raw, attributes, check)

    def explain(
        self,
        event: str,
        payload: Payload = b"",
        *,
        source: str = "github",
        attributes: Mapping[str, str] | None = None,
        routine: str = "",
        account: str = "default",
    ) -> list[Explanation]:
        """Of each routine, or of the one that is named, every condition: field, operator, expected, actual, held."""
        raw = to_bytes(payload)
        with self._lock:
            if routine and (account, routine) not in self._numbers:
                raise NotFoundError(f"there is no routine {account}/{routine} in the matcher")
            wanted = [
                each
                for key, (_, each) in self._numbers.items()
                if not routine or key == (account, routine)
            ]
        return [
            Explanation._of(json.loads(_core.explain(source, event, raw, attributes, each.json)))
            for each in wanted
        ]

    def __len__(self) -> int:
        return len(self._numbers)

    def __repr__(self) -> str:
        return f"<Matcher of {len(self)} routines>"

    def close(self) -> None:
        """Frees the set; calls after this raise ``ClosedError``."""
        self._core.close()

    def __enter__(self) -> Matcher:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()
