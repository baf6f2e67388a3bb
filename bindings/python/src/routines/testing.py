"""For the tests of those who configure or embed routines: simulated time, made-up events, cases in YAML.

    from routines.testing import fires_on, does_not_fire_on, github_event

    def test_drafts_are_left_alone():
        assert review == fires_on(github_event("pull_request", base_branch="main"))
        assert review == does_not_fire_on(github_event("pull_request", is_draft=True), because="is_draft")

Nothing here waits or leaves the process. With pytest the plug-in of this package (``routines.pytest_plugin``) says
of a comparison that failed every condition with what was expected and seen.
"""

from __future__ import annotations

import json
import os
from datetime import datetime, timedelta, timezone
from typing import Any, Mapping, NamedTuple

from . import _core
from ._engine import Engine
from ._event import Event
from ._executor import Execution
from ._routine import Routine, SavedRoutine, text_of
from ._values import duration_ns, from_ns, to_ns

__all__ = [
    "CaseResult",
    "FakeExecutor",
    "ManualSource",
    "SimulatedClock",
    "TestEngine",
    "Verdict",
    "case_names",
    "does_not_fire_on",
    "fires_on",
    "github_event",
    "run_cases",
    "try_event",
]

# Where a simulated clock begins: a Monday.
START = datetime(2026, 1, 5, 9, 0, tzinfo=timezone.utc)


class SimulatedClock:
    """A clock that moves when told. Any thread may use it."""

    def __init__(self, start: datetime = START) -> None:
        self._core = _core.Clock(to_ns(start, "start"))

    def now(self) -> datetime:
        return from_ns(self._core.now(), timezone.utc)

    def advance(self, duration: timedelta) -> None:
        """Forward only. Of an engine's clock use ``Engine.advance``, which does what falls due on the way."""
        self._core.advance(duration_ns(duration, "duration"))


class FakeExecutor:
    """An executor that does nothing but remember: ``executions`` are those that it got, oldest first.

    Each ends with ``result``, or raises ``error`` where that is set.
    """

    def __init__(self, result: str = "done", *, error: Exception | None = None) -> None:
        self.result = result
        self.error = error
        self.executions: list[Execution] = []

    def __call__(self, execution: Execution) -> str:
        self.executions.append(execution)
        if self.error is not None:
            raise self.error
        return self.result

    @property
    def prompts(self) -> list[str]:
        """What the agents were asked."""
        return [each.prompt for each in self.executions]


class ManualSource:
    """A source that emits what it is told to; ``running`` between start and stop. Give it to ``add_source``."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.running = False
        self._sink: Any = None

    def start(self, sink: Any) -> None:
        self._sink = sink
        self.running = True

    def stop(self) -> None:
        self.running = False

    def emit(self, type: str = "", payload: Any = b"", **options: Any) -> Any:
        """As ``Sink.emit``."""
        if self._sink is None:
            raise RuntimeError("the source was not started; start or step its engine")
        return self._sink.emit(type, payload, **options)


class TestEngine(Engine):
    """An engine in memory with simulated time and a ``FakeExecutor`` named "fake".

    Everything runs on the thread that calls ``step`` or ``advance``, executors included. ``fire``, ``deliver`` and
    ``run`` step it, so that what they start has ended when they return, unless it waits for time to pass.
    """

    __test__ = False  # no class of tests, whatever its name

    def __init__(self, *, start: datetime = START, **options: Any) -> None:
        self.clock = SimulatedClock(start)
        self.fake = FakeExecutor()
        options.setdefault("default_executor", "fake")
        super().__init__(":memory:", clock=self.clock, **options)
        self.register_executor("fake", self.fake)

    def fire(self, trigger_id: str, *, text: str = "", key: str = "") -> Any:
        fired = super().fire(trigger_id, text=text, key=key)
        self.step()
        return fired

    def run(self, name: str, *, account: str = "default", text: str = "") -> Any:
        fired = super().run(name, account=account, text=text)
        self.step()
        return fired

    def deliver(self, event: Event) -> Any:
        delivered = super().deliver(event)
        self.step()
        return delivered


def github_event(
    type: str,
    *,
    action: str = "",
    repository: str = "",
    delivery_id: str = "",
    payload: Mapping[str, Any] | None = None,
    fields: Mapping[str, Any] | None = None,
    **named: Any,
) -> Event:
    """An event as GitHub sends it, made to order: all eighteen.

    What is not said is that of an unremarkable event: in acme/api, by mona, a member, from a branch of the repository
    itself to main. Keywords and ``fields`` are values by name of the field table (docs/github_events.md:
    ``base_branch="main"``, ``labels=["bug"]``) or, in ``fields``, by RFC 6901 pointer; ``payload`` is laid over all
    of it first. Raises ``InvalidError`` for what the event does not have.
    """
    event: dict[str, Any] = {"github": type}
    for key, value in (
        ("action", action),
        ("repository", repository),
        ("id", delivery_id),
        ("payload", payload),
        ("fields", {**(fields or {}), **named}),
    ):
        if value:
            event[key] = value
    made = json.loads(_core.test_event(json.dumps(event)))
    return Event("github", type, made["payload"], id=delivery_id)


class Verdict(NamedTuple):
    """What became of an event. ``fired`` are account/routine/trigger; ``str`` has every condition."""

    passed: bool
    fired: list[str]
    reasons: list[str]
    text: str

    def __str__(self) -> str:
        return self.text


def try_event(
    routine: Routine | SavedRoutine | str | dict[str, Any],
    event: Event,
    *,
    fires: bool | None = None,
    because: str = "",
) -> Verdict:
    """What one event starts of one routine, gates included, on an engine of their own.

    ``passed``: whether it is as expected; ``because`` says why not, as in a test file ("labels and is_draft",
    "untrusted_author").
    """
    text = text_of(routine.routine if isinstance(routine, SavedRoutine) else routine)
    expected = -1 if fires is None else int(fires)
    found = json.loads(
        _core.test_try(
            event.source, event.type, event.payload, event.attributes, text, expected, because
        )
    )
    result = found["result"]
    reasons = [each["reason"] for each in result.get("decisions", [])]
    return Verdict(found["passed"], result.get("fired", []), reasons, found["text"])


class _Fires:
    """Equal to the routines that do what it says."""

    def __init__(self, event: Event, fires: bool, because: str = "") -> None:
        self.event = event
        self.fires = fires
        self.because = because
        self.verdict: Verdict | None = None

    def __eq__(self, routine: object) -> bool:
        if not isinstance(routine, (Routine, SavedRoutine, str, dict)):
            return NotImplemented
        self.verdict = try_event(routine, self.event, fires=self.fires, because=self.because)
        return self.verdict.passed

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        if self.fires:
            return f"fires_on({self.event!r})"
        because = f", because={self.because!r}" if self.because else ""
        return f"does_not_fire_on({self.event!r}{because})"


def fires_on(event: Event) -> Any:
    """``assert routine == fires_on(event)``: the event starts a session of it."""
    return _Fires(event, True)


def does_not_fire_on(event: Event, because: str = "") -> Any:
    """``assert routine == does_not_fire_on(event)``; `because` as in a test file, or whatever the reason."""
    return _Fires(event, False, because)


class CaseResult(NamedTuple):
    """What came of one case of a test file. ``text`` is for people; ``data`` is as ``routines test --json`` has it."""

    name: str
    line: int
    passed: bool
    failures: list[str]
    text: str
    data: dict[str, Any]


def case_names(path: str | os.PathLike[str]) -> list[tuple[str, int]]:
    """The cases of a test file and the lines where they begin, not run. Raises ``ConfigError``."""
    listed = json.loads(_core.test_list(os.fspath(path)))
    return [(each["name"], each["line"]) for each in listed["cases"]]


def run_cases(path: str | os.PathLike[str]) -> list[CaseResult]:
    """Runs the cases of a test file (docs/testing_configs.md). Raises ``ConfigError`` where it is wrong."""
    ran = json.loads(_core.test_run(os.fspath(path)))
    return [
        CaseResult(
            data["name"], data["line"], data["passed"], data.get("failures", []), text, data
        )
        for data, text in zip(ran["results"], ran["texts"])
    ]
