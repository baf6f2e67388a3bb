"""What can go wrong. Each error is of a class that says what to do, and of a built-in one."""

from __future__ import annotations

import json
from typing import NamedTuple

from . import _core


class Error(Exception):
    """Whatever a call of this package may end with. ``code`` is the name of the C ABI's code."""

    code: str = "UNKNOWN"


class InvalidError(Error, ValueError):
    """What was given is wrong; trying again never helps."""


class Problem(NamedTuple):
    """Something wrong in a routine file; ``line`` and ``column`` count from 1, 0 where there is none."""

    path: str
    line: int
    column: int
    message: str


class ConfigError(InvalidError):
    """A routine, or a test file, that is wrong. ``problems`` has all of it, in the file's order."""

    problems: list[Problem]

    def __init__(self, message: str, problems: list[Problem]) -> None:
        super().__init__(message, problems)
        self.problems = problems

    def __str__(self) -> str:
        return str(self.args[0])


class NotFoundError(Error, LookupError):
    """There is no such thing."""


class AlreadyExistsError(Error):
    """There is one by that name."""


class PermissionDeniedError(Error, PermissionError):
    """It may not be done, or the secret is no valid one."""


class StateError(Error, RuntimeError):
    """Something must change first: what the message says."""


class ClosedError(StateError):
    """The object was closed."""


class ForkedError(StateError):
    """The object belongs to the process that this one was forked from; make one here."""


class UnavailableError(Error, ConnectionError):
    """Not now; try again later, with the same id."""


class ResourceExhaustedError(Error):
    """Too much; try again later, or with less."""


class CancelledError(Error):
    """The engine is being stopped."""


class TimedOutError(Error, TimeoutError):
    """The time that was given is over."""


class UnimplementedError(Error, NotImplementedError):
    """This build of the library cannot do it."""


class DataLossError(Error):
    """The stored state is broken."""


class InternalError(Error, RuntimeError):
    """A bug of this package."""


_CLASSES: dict[str, type[Error]] = {
    "CANCELLED": CancelledError,
    "INVALID_ARGUMENT": InvalidError,
    "OUT_OF_RANGE": InvalidError,
    "DEADLINE_EXCEEDED": TimedOutError,
    "NOT_FOUND": NotFoundError,
    "ALREADY_EXISTS": AlreadyExistsError,
    "PERMISSION_DENIED": PermissionDeniedError,
    "UNAUTHENTICATED": PermissionDeniedError,
    "RESOURCE_EXHAUSTED": ResourceExhaustedError,
    "FAILED_PRECONDITION": StateError,
    "ABORTED": UnavailableError,
    "UNIMPLEMENTED": UnimplementedError,
    "UNAVAILABLE": UnavailableError,
    "DATA_LOSS": DataLossError,
    "INTERNAL": InternalError,
    "INVALID_HANDLE": ClosedError,
    "FORKED": ForkedError,
}
_MESSAGES = {
    "INVALID_HANDLE": "it was closed",
    "FORKED": "it belongs to the process that this one was forked from; make one here",
}


def _make(code: int, message: str, problems: str) -> Error:
    name = _core.code_name(code)
    listed = json.loads(problems) if problems else []
    if listed:
        error: Error = ConfigError(
            message,
            [Problem(each["path"], each["line"], each["column"], each["message"]) for each in listed],
        )
    else:
        error = _CLASSES.get(name, Error)(message or _MESSAGES.get(name, name.lower()))
    error.code = name
    return error


_core.set_error_maker(_make)
