"""Turns saved configurations into unattended agent sessions, started by schedules and events.

    import routines

    review = routines.load("review.yaml")
    matcher = routines.Matcher([review])
    matcher.match("pull_request", body)     # [Match(default/review, opened)]

    with routines.Engine(state="state") as engine:
        engine.register_executor("agent", lambda execution: "looked at it")
        engine.put(review)
        for entry in engine.session(engine.fire("trig_alert0001", text="SEN-4521").session_id).follow():
            print(entry)

What is here is made over ``libroutines_c``, which the package carries. Everything may be called from any
thread. Times are aware ``datetime``s, durations ``timedelta``s. Errors are subclasses of ``Error``, and of the
built-in that is nearest. ``routines.aio`` is the same for asyncio, ``routines.testing`` for tests.
"""

from __future__ import annotations

import typing as _typing

from . import github
from ._core import version as _version
from ._engine import Engine
from ._errors import (
    AlreadyExistsError,
    CancelledError,
    ClosedError,
    ConfigError,
    DataLossError,
    Error,
    ForkedError,
    InternalError,
    InvalidError,
    NotFoundError,
    PermissionDeniedError,
    Problem,
    ResourceExhaustedError,
    StateError,
    TimedOutError,
    UnavailableError,
    UnimplementedError,
)
from ._event import Decision, Delivered, Event, Fired
from ._executor import Execution
from ._explanation import Condition, Explanation, TriggerExplanation
from ._matcher import Match, Matcher
from ._routine import Routine, SavedRoutine, load, loads
from ._schedule import Schedule
from ._session import LogEntry, Session
from ._source import Sink, Source, ThreadedSource

__version__: str = _version()

__all__ = [
    "AlreadyExistsError",
    "CancelledError",
    "ClosedError",
    "Condition",
    "ConfigError",
    "DataLossError",
    "Decision",
    "Delivered",
    "Engine",
    "Error",
    "Event",
    "Execution",
    "Explanation",
    "Fired",
    "ForkedError",
    "InternalError",
    "InvalidError",
    "LogEntry",
    "Match",
    "Matcher",
    "NotFoundError",
    "PermissionDeniedError",
    "Problem",
    "ResourceExhaustedError",
    "Routine",
    "SavedRoutine",
    "Schedule",
    "Session",
    "Sink",
    "Source",
    "StateError",
    "ThreadedSource",
    "TimedOutError",
    "TriggerExplanation",
    "UnavailableError",
    "UnimplementedError",
    "__version__",
    "github",
    "load",
    "loads",
]


def __getattr__(name: str) -> _typing.Any:
    # asyncio and the test kit cost more to import than all the rest.
    if name in ("aio", "testing"):
        import importlib

        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
