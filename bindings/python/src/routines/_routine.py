"""Routines: read from files, and as an engine has saved them."""

from __future__ import annotations

import json
import os
from datetime import datetime
from typing import Any

from . import _core
from ._errors import InvalidError
from ._values import parse_time


class Routine:
    """A routine that was read and checked. Never changes."""

    __slots__ = ("_data", "_json")

    def __init__(self, text: str) -> None:
        """Use ``load`` or ``loads``. ``text``: the JSON of a routine that is known to be right."""
        self._json = text
        self._data: dict[str, Any] = json.loads(text)

    @property
    def name(self) -> str:
        return str(self._data["name"])

    @property
    def account(self) -> str:
        return str(self._data.get("account", "default"))

    @property
    def triggers(self) -> list[str]:
        """The triggers' ids in the file's order; of one without, its place: ``triggers[2]``."""
        listed = self._data.get("triggers", [])
        return [each.get("id") or f"triggers[{i}]" for i, each in enumerate(listed)]

    @property
    def json(self) -> str:
        """The routine as JSON, as a routine file may have it, with the defaults filled in."""
        return self._json

    def to_dict(self) -> dict[str, Any]:
        """The same as a new dict."""
        data: dict[str, Any] = json.loads(self._json)
        return data

    def __repr__(self) -> str:
        return f"<Routine {self.account}/{self.name}>"

    def __eq__(self, other: object) -> bool:
        return self._data == other._data if isinstance(other, Routine) else NotImplemented

    def __hash__(self) -> int:
        return hash((self.account, self.name))


class SavedRoutine:
    """A routine in an engine, at one revision."""

    __slots__ = ("_data", "routine")

    def __init__(self, data: dict[str, Any]) -> None:
        self._data = data
        self.routine = Routine(json.dumps(data["routine"]))

    @property
    def revision(self) -> int:
        return int(self._data["revision"])

    @property
    def paused(self) -> bool:
        return bool(self._data.get("paused", False))

    @property
    def trigger_ids(self) -> dict[str, str]:
        """By the trigger's id in the file, the one it is fired by: ``trig_…``."""
        return {each["id"]: each["trigger_id"] for each in self._data.get("triggers", [])}

    @property
    def next_times(self) -> dict[str, datetime | None]:
        """When each schedule is due next, in UTC, by the trigger's id in the file; ``None``: never again.

        As it was when the routine was asked for, and as if it were not paused. Triggers that are disabled
        or no schedules are not in it, nor are any of an older revision.
        """
        return {
            each["id"]: parse_time(each["next_time"]) if "next_time" in each else None
            for each in self._data.get("triggers", [])
            if "next_time" in each or each.get("ended", False)
        }

    def __repr__(self) -> str:
        return f"<SavedRoutine {self.routine.account}/{self.routine.name} revision {self.revision}>"


def load(path: str | os.PathLike[str]) -> Routine:
    """Reads a routine file, YAML or JSON, strictly.

    Raises ``ConfigError``, whose ``problems`` are all that is wrong with it, or ``OSError``.
    """
    with open(path, "rb") as file:
        return loads(file.read(), file=os.fspath(path))


def loads(text: str | bytes, *, file: str = "routine") -> Routine:
    """Reads the text of a routine file. ``file`` names it in messages. Raises ``ConfigError``."""
    raw = text.encode() if isinstance(text, str) else text
    return Routine(_core.load_routine(raw, file))


def text_of(routine: Routine | str | bytes | dict[str, Any]) -> str:
    """The text of whatever says a routine."""
    if isinstance(routine, Routine):
        return routine.json
    if isinstance(routine, bytes):
        return routine.decode()
    if isinstance(routine, dict):
        return json.dumps(routine)
    if isinstance(routine, str):
        return routine
    raise InvalidError(f"a routine is a Routine, its text or a dict, not {type(routine).__name__}")
