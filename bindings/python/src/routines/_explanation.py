"""Why a routine does, or does not, fire on an event."""

from __future__ import annotations

import json
from typing import Any, NamedTuple


def _value(text: str) -> Any:
    # Values are JSON; long ones are cut, and no JSON any more.
    if not text:
        return None
    try:
        return json.loads(text)
    except ValueError:
        return text


class Condition(NamedTuple):
    """One condition, what it expected and what the event had; None where it has no such field."""

    field: str
    operator: str
    expected: Any
    actual: Any
    held: bool
    path: str
    any_of: list[Condition]

    @classmethod
    def _of(cls, data: dict[str, Any]) -> Condition:
        return cls(
            data.get("field", ""),
            data.get("operator", ""),
            _value(data.get("expected", "")),
            _value(data.get("actual", "")),
            bool(data.get("held", False)),
            data.get("path", ""),
            [cls._of(each) for each in data.get("any_of", [])],
        )


class TriggerExplanation(NamedTuple):
    """Of one trigger, every condition; ``str`` is for people."""

    trigger: str
    position: int
    matched: bool
    conditions: list[Condition]
    text: str

    def __str__(self) -> str:
        return self.text

    @classmethod
    def _of(cls, data: dict[str, Any]) -> TriggerExplanation:
        return cls(
            data.get("trigger", ""),
            data.get("index", 0),
            bool(data.get("matched", False)),
            [Condition._of(each) for each in data.get("conditions", [])],
            data.get("text", ""),
        )


class Explanation(NamedTuple):
    """Of one routine, every trigger; ``str`` is for people."""

    account: str
    routine: str
    matched: bool
    triggers: list[TriggerExplanation]

    def __str__(self) -> str:
        return f"{self.account}/{self.routine}\n" + "".join(each.text for each in self.triggers)

    @classmethod
    def _of(cls, data: dict[str, Any]) -> Explanation:
        listed = [TriggerExplanation._of(each) for each in data.get("triggers", [])]
        return cls(data.get("account", ""), data.get("routine", ""), bool(data["matched"]), listed)
