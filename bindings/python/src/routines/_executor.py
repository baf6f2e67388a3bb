"""What runs sessions, in Python."""

from __future__ import annotations

import json
import select
import threading
import time
from typing import TYPE_CHECKING, Any, Callable, Mapping

from . import _core
from ._errors import ClosedError, Error, ForkedError

if TYPE_CHECKING:
    from ._engine import Engine

# What a host registers: it returns when the agent has ended. A text is the agent's result; an exception fails
# the session.
ExecutorFunction = Callable[["Execution"], "str | None"]

# The engine whose executor runs on this thread.
_here = threading.local()


def engine_here() -> Engine | None:
    engine: Engine | None = getattr(_here, "engine", None)
    return engine


class Execution:
    """A session's run, in the hands of its executor. Any thread may use it."""

    def __init__(self, core: _core.Execution) -> None:
        self._core = core
        self._request: dict[str, Any] = json.loads(core.request())

    @property
    def session_id(self) -> str:
        return str(self._request["session"]["id"])

    @property
    def session(self) -> dict[str, Any]:
        return dict(self._request["session"])

    @property
    def routine(self) -> dict[str, Any]:
        return dict(self._request["routine"])

    @property
    def prompt(self) -> str:
        """What the agent is asked, with the event in its marked wrapper: untrusted."""
        return str(self._request["prompt"])

    @property
    def workspace(self) -> str:
        """The folder of the session's clones; empty where the routine has no repositories."""
        return str(self._request["workspace"])

    @property
    def working_directory(self) -> str:
        return str(self._request["working_directory"])

    @property
    def environment(self) -> Mapping[str, str]:
        """Variables and secrets of the session; never print it."""
        return dict(self._request["environment"])

    @property
    def cancelled(self) -> bool:
        """Whether the session should end: it was cancelled, is over a limit, or the engine stops."""
        return self._core.cancelled()

    def wait_cancelled(self, timeout: float | None = None) -> bool:
        """Waits until the session should end, or for `timeout` seconds; ``cancelled``."""
        fd = self._core.cancel_fd()
        end = None if timeout is None else time.monotonic() + timeout
        while not self.cancelled:
            left = 3600.0 if end is None else end - time.monotonic()
            if left <= 0:
                break
            if fd < 0:
                time.sleep(min(left, 0.05))
                continue
            poll = select.poll()
            poll.register(fd, select.POLLIN)
            poll.poll(min(left, 3600.0) * 1000)
        return self.cancelled

    def output(self, text: str, *, error: bool = False) -> None:
        """Appends output to the log: of standard output, or of standard error. Secrets are redacted."""
        self._core.output(2 if error else 1, text)

    def assistant(self, text: str) -> None:
        """Appends what the agent said."""
        self._core.assistant(text)

    def tool_call(self, call_id: str, name: str, input: Any = None) -> None:
        """Appends a tool's call; `input` is written as JSON."""
        self._core.tool_call(call_id, name, json.dumps({} if input is None else input))

    def tool_result(self, call_id: str, text: str, *, is_error: bool = False) -> None:
        """Appends what a tool answered."""
        self._core.tool_result(call_id, is_error, text)

    def usage(
        self,
        *,
        input_tokens: int = 0,
        output_tokens: int = 0,
        cache_read_tokens: int = 0,
        cache_write_tokens: int = 0,
        cost_usd: float = 0.0,
        turns: int = 0,
    ) -> None:
        """Appends what the agent used so far; the routine's limits are held to it."""
        self._core.usage(
            input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, cost_usd, turns
        )

    def __repr__(self) -> str:
        return f"<Execution of {self.session_id}>"


def finish(core: _core.Execution, succeeded: bool, reason: str, message: str) -> None:
    """Ends the session, unless the engine has done so already."""
    try:
        if succeeded:
            core.result(False, message)
        core.finish(succeeded, reason, message)
    except (ClosedError, ForkedError):
        pass


def fail(core: _core.Execution, error: BaseException) -> None:
    """An exception of the user's code is the session's failure, with its traceback in the log."""
    import traceback  # not needed until something goes wrong

    lines = "".join(traceback.format_exception(type(error), error, error.__traceback__))
    try:
        core.output(2, lines)
    except Error:
        pass
    told = traceback.format_exception_only(type(error), error)[-1].strip()
    finish(core, False, "exception", told)


def run(engine: Engine, function: ExecutorFunction, core: _core.Execution) -> None:
    """Runs a session on this thread."""
    _here.engine = engine
    try:
        result = function(Execution(core))
    except BaseException as error:  # also SystemExit: it ends the session, not the program
        fail(core, error)
        if isinstance(error, KeyboardInterrupt):
            raise
    else:
        if result is not None and not isinstance(result, str):
            fail(core, TypeError(f"an executor returns a str or None, not {type(result).__name__}"))
        else:
            finish(core, True, "", result or "")
    finally:
        _here.engine = None
