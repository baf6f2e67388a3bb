"""Engines."""

from __future__ import annotations

import atexit
import json
import os
import threading
import weakref
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Callable, Iterable, Mapping, Sequence, TypeVar

from . import _core
from ._errors import InvalidError, StateError
from ._event import Decision, Delivered, Event, Fired
from ._executor import Execution, ExecutorFunction, engine_here, fail, run
from ._routine import Routine, SavedRoutine, text_of
from ._session import Session
from ._source import Sink, Source
from ._values import duration_ns

if TYPE_CHECKING:
    from .testing import SimulatedClock

# Account and name; the value, or None where there is none.
SecretFunction = Callable[[str, str], "str | None"]

_E = TypeVar("_E", bound="Engine")

# In milliseconds; a queue that is closed is noticed at once.
_IDLE = 1000


class Engine:
    """An engine: saved routines, their triggers, and the sessions that they start.

    ``state`` is a folder, made where there is none; or ":memory:". Nothing that was acknowledged is lost from a
    folder, whatever happens to the process; one engine at a time may have it.

    It runs from ``start``, or from the first ``fire``, ``deliver``, ``run``, ``follow`` or ``wait``. Executors and
    sources must be there by then. As a context manager it is closed at the end; one that is still running when the
    interpreter exits is closed then. Executors run on threads of Python's, each session on one of its own.
    """

    def __init__(
        self,
        state: str | os.PathLike[str] = ":memory:",
        *,
        secrets: Mapping[str, str] | SecretFunction | None = None,
        default_executor: str = "",
        min_schedule_interval: timedelta | None = None,
        default_max_duration: timedelta | None = None,
        cancel_grace: timedelta | None = None,
        max_concurrent_sessions: int = 0,
        clock: SimulatedClock | None = None,
    ) -> None:
        """Opens it. What is None or 0 is as the C ABI has it: one hour, two hours, 15 seconds, 16.

        ``secrets`` are values by name, or a function that finds them. With a simulated ``clock`` it is not
        started, but stepped: see ``routines.testing``. Raises ``StateError`` where another engine has the folder.
        """
        folder = os.fspath(state)
        if not isinstance(folder, str) or not folder:
            raise InvalidError('state: must be the path of a folder, or ":memory:"')
        if os.path.isfile(folder):
            raise InvalidError(f"state: {folder} is a file; give the folder that it shall be in")
        durations = [
            0 if given is None else duration_ns(given, name)
            for name, given in (
                ("min_schedule_interval", min_schedule_interval),
                ("default_max_duration", default_max_duration),
                ("cancel_grace", cancel_grace),
            )
        ]
        self._pid = os.getpid()
        self._clock = clock
        self._secrets = secrets
        self._executors: list[ExecutorFunction] = []
        self._lock = threading.RLock()
        self._threads: list[threading.Thread] = []
        self._running = False
        self._gone: threading.Event | None = None  # where another thread closes it
        self._core = _core.Engine(
            "" if folder == ":memory:" else folder,
            0 if clock is None else clock._core.handle,
            secrets is not None,
            default_executor,
            durations,
            max_concurrent_sessions,
        )
        self._closed = False
        _live.add(self)
        if secrets is not None:
            self._spawn("secrets", self._serve_secrets)

    # ---- what is plugged in ----

    def register_executor(
        self, name: str, executor: ExecutorFunction, *, keeps_to_sandbox: bool = False
    ) -> None:
        """Registers what runs the agent of a session, before the engine runs.

        ``executor`` is called with an ``Execution`` on a thread of its own and returns when the agent has ended: the
        agent's result, or None. An exception of it is the session's failure. It must watch ``cancelled``.
        ``keeps_to_sandbox``: everything that it runs keeps to the sandbox of its session.
        """
        with self._lock:
            self._core.register_executor(name, len(self._executors), keeps_to_sandbox)
            self._executors.append(executor)

    def register_program(self, name: str, arguments: Sequence[str]) -> None:
        """Registers a program as executor; the prompt comes on its standard input. See docs/executors.md."""
        self._core.register_program(name, list(arguments))

    def add_source(self, source: Source) -> None:
        """Adds a source of events, before the engine runs; it is started and stopped with the engine."""
        self._core.add_source(source.name, lambda sink: source.start(Sink(sink)), source.stop)

    # ---- life ----

    def start(self) -> None:
        """Starts it. A second call does nothing. Raises what a source's ``start`` raised."""
        self._not_from_executor("start")
        if self._clock is not None:
            raise StateError("an engine with a simulated clock is stepped, not started")
        with self._lock:
            if self._running:
                return
            self._core.start()
            self._running = True
            self._spawn("executors", self._serve_executions)

    def close(self) -> None:
        """Stops it and waits: for sources, for sessions, which are cancelled, and for their executors.

        One that does not heed ``cancelled`` is waited for as long as ``cancel_grace``. Sessions whose agent has not
        started are run by the next engine on the folder. A second call does nothing. Ctrl-C ends the wait, not the
        stopping: a later call waits for what is left of it, and so does the interpreter before it exits.
        """
        if os.getpid() != self._pid:
            return
        self._not_from_executor("close")
        main = threading.current_thread() is threading.main_thread()
        with self._lock:
            begun, self._closed = self._closed, True
        # Python runs the handlers of signals on the main thread, and not while that is in C++.
        if not begun and not (main and self._running and self._close_elsewhere()):
            self._close()
        elif main and self._gone is not None:
            self._gone.wait()

    def _close_elsewhere(self) -> bool:
        self._gone = threading.Event()
        try:
            threading.Thread(target=self._close, name="routines close", daemon=True).start()
        except RuntimeError:  # no more threads
            self._gone = None
        return self._gone is not None

    def _close(self) -> None:
        try:
            self._core.close()
        finally:
            for thread in self._threads:
                if thread is not threading.current_thread():
                    thread.join()
            _live.discard(self)
            if self._gone is not None:
                self._gone.set()

    def step(self) -> None:
        """With a simulated clock: does what is due now, executors included, on this thread."""
        self._not_from_executor("step")
        with self._lock:
            self._step()

    def advance(self, duration: timedelta) -> None:
        """Moves the simulated clock, with a step at each instant at which something is due."""
        self._not_from_executor("advance")
        with self._lock:
            clock = self._simulated()
            end = clock._core.now() + duration_ns(duration, "duration")
            while True:
                due = self._step()
                if due is None or due > end:
                    break
                clock._core.advance(max(0, due - clock._core.now()))
            clock._core.advance(max(0, end - clock._core.now()))
            self._step()

    def __enter__(self: _E) -> _E:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    # ---- routines ----

    def put(self, routine: Routine | str | dict[str, Any]) -> SavedRoutine:
        """Saves a routine, or its text. Raises ``ConfigError``; ``AlreadyExistsError`` for another's trigger id."""
        return SavedRoutine(json.loads(self._core.put_routine(text_of(routine), "")))

    def get(self, name: str, *, account: str = "default", revision: int = 0) -> SavedRoutine:
        """A saved routine at a revision, or the newest (0). Raises ``NotFoundError``."""
        return SavedRoutine(json.loads(self._core.get_routine(account, name, revision)))

    def routines(self, *, account: str = "") -> list[SavedRoutine]:
        """Those of an account, or of all."""
        return [
            SavedRoutine(each)
            for each in json.loads(self._core.list_routines(account)).get("routines", [])
        ]

    def pause(self, name: str, *, account: str = "default") -> None:
        """Its triggers start nothing until ``resume``; what comes meanwhile leaves a decision."""
        self._core.pause_routine(account, name, True)

    def resume(self, name: str, *, account: str = "default") -> None:
        self._core.pause_routine(account, name, False)

    def delete(self, name: str, *, account: str = "default") -> None:
        """Deletes a routine, its trigger ids and tokens; its sessions go on."""
        self._core.delete_routine(account, name)

    # ---- events ----

    def fire(self, trigger_id: str, *, text: str = "", key: str = "") -> Fired:
        """Fires an API trigger; when this returns, the session is durable.

        ``text`` is untrusted. A second fire with the same ``key`` within 24 hours gets the first answer. Raises
        ``NotFoundError``; ``StateError`` where it is paused; ``ResourceExhaustedError`` over a limit.
        """
        self._must_run()
        return Fired._of(json.loads(self._core.fire(trigger_id, text, key)))

    def run(self, name: str, *, account: str = "default", text: str = "") -> Fired:
        """Runs a routine now, whatever its triggers."""
        self._must_run()
        return Fired._of(json.loads(self._core.run(account, name, text)))

    def deliver(self, event: Event) -> Delivered:
        """Takes in an event and starts what it matches; when this returns, it is durable.

        Raises ``InvalidError``; ``UnavailableError``, then try again with the same id.
        """
        self._must_run()
        return Delivered._of(
            json.loads(
                self._core.deliver(
                    event.source, event.type, event.payload, event.attributes, event.id, event.account
                )
            )
        )

    def decisions(self, name: str, *, account: str = "default", limit: int = 100) -> list[Decision]:
        """What became of the events of a routine, newest first."""
        listed = json.loads(self._core.list_decisions("", account, name, limit))
        return [Decision._of(each) for each in listed.get("decisions", [])]

    def explain(
        self, event_id: str, name: str, *, account: str = "default", revision: int = 0
    ) -> dict[str, Any]:
        """Why a stored event did, or did not, start a routine: conditions, gates and decisions."""
        data: dict[str, Any] = json.loads(
            self._core.explain_event(event_id, account, name, revision)
        )
        return data

    # ---- sessions ----

    def session(self, session_id: str) -> Session:
        """A session by its id; asks for nothing yet."""
        return Session(self, session_id)

    def sessions(
        self,
        *,
        account: str = "",
        routine: str = "",
        states: Iterable[str] = (),
        before: str = "",
        limit: int = 100,
    ) -> list[Session]:
        """Newest first."""
        listed = json.loads(
            self._core.list_sessions(account, routine, ",".join(states), before, limit)
        )
        return [Session(self, each["id"]) for each in listed.get("sessions", [])]

    # ---- tokens ----

    def create_token(self, trigger_id: str) -> str:
        """A new token of an API trigger; it is shown here and never again."""
        return str(json.loads(self._core.create_token(trigger_id))["secret"])

    def check_token(self, trigger_id: str, secret: str) -> bool:
        """Whether it is an active token of the trigger; in constant time."""
        return self._core.check_token(trigger_id, secret)

    def stats(self) -> dict[str, Any]:
        """Counters since it was opened, and gauges of now."""
        data: dict[str, Any] = json.loads(self._core.stats())
        return data

    # ---- inside ----

    def _must_run(self) -> None:
        if self._clock is None and not self._running and os.getpid() == self._pid:
            self.start()

    def _not_from_executor(self, what: str) -> None:
        if engine_here() is self:
            raise StateError(f"an executor cannot {what} its own engine; do so on another thread")

    def _simulated(self) -> SimulatedClock:
        if self._clock is None:
            raise StateError("the engine has the system's clock; open it with a simulated one")
        return self._clock

    def _step(self) -> int | None:
        self._simulated()
        while True:
            due = self._core.step()
            job = self._core.next_execution(0)
            if job is None:
                return due
            while job is not None:
                run(self, self._executors[job[0]], _core.Execution(job))
                job = self._core.next_execution(0)

    def _spawn(self, what: str, serve: Callable[[weakref.ref[Engine], _core.Engine], None]) -> None:
        thread = threading.Thread(
            target=serve, args=(weakref.ref(self), self._core), name=f"routines {what}", daemon=True
        )
        self._threads.append(thread)
        thread.start()

    # These threads know the engine weakly: one that nobody holds any more can end.

    @staticmethod
    def _serve_executions(weak: weakref.ref[Engine], core: _core.Engine) -> None:
        while True:
            job = core.next_execution(_IDLE)
            execution = None if job is None else _core.Execution(job)
            engine = weak()
            if engine is None or (job is None and not core.open()):
                return
            if job is None or execution is None:
                continue
            try:
                threading.Thread(
                    target=run,
                    args=(engine, engine._executors[job[0]], execution),
                    name="routines session",
                    daemon=True,
                ).start()
            except RuntimeError as error:  # no more threads, or the interpreter ends
                fail(execution, error)
            del engine, execution

    @staticmethod
    def _serve_secrets(weak: weakref.ref[Engine], core: _core.Engine) -> None:
        while True:
            ask = core.next_secret(_IDLE)
            engine = weak()
            if engine is None or (ask is None and not core.open()):
                return
            if ask is not None:
                engine._answer(ask)
            del engine

    def _answer(self, ask: _core.SecretAsk) -> None:
        try:
            if callable(self._secrets):
                value = self._secrets(ask.account, ask.name)
            else:
                value = (self._secrets or {}).get(ask.name)
            if value is None:
                ask.refuse(False)
            else:
                ask.answer(value)
        except BaseException:
            ask.refuse(True)  # it is tried again
            raise

    def __del__(self) -> None:
        if not getattr(self, "_closed", True) and os.getpid() == self._pid:
            self._core.close()


_live: weakref.WeakSet[Engine] = weakref.WeakSet()


@atexit.register
def _close_all() -> None:
    try:
        for engine in list(_live):
            engine.close()
    finally:
        _core.leave()
