"""Engines for asyncio: the same calls, to be awaited.

    async with routines.aio.Engine("state") as engine:
        engine.register_executor("agent", agent)        # async def agent(execution): …
        await engine.put(review)
        fired = await engine.fire("trig_alert0001", text="SEN-4521")
        async for entry in engine.session(fired.session_id).follow():
            print(entry)

Calls that block run on threads, so that the loop never waits; each ``follow`` and ``wait`` has a thread of its own while
it lasts. An engine belongs to the loop that runs when it is made. Executors that are coroutine functions run on that
loop, and are cancelled where their session should end.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import inspect
import os
import threading
from typing import Any, AsyncIterator, Awaitable, Callable, Iterable, TypeVar, Union

from . import _engine
from ._errors import CancelledError
from ._event import Decision, Delivered, Event, Fired
from ._executor import Execution
from ._routine import Routine, SavedRoutine
from ._session import LogEntry
from ._session import Session as _Session
from ._source import Source

__all__ = ["Engine", "Session"]

_T = TypeVar("_T")
ExecutorFunction = Callable[[Execution], "Awaitable[str | None] | str | None"]
_DONE = object()


class Session:
    """A session of an engine."""

    def __init__(self, engine: Engine, session: _Session) -> None:
        self._engine = engine
        self._session = session
        self.id = session.id

    async def get(self) -> dict[str, Any]:
        """All of it. Raises ``NotFoundError``."""
        return await self._engine._call(self._session.get)

    async def state(self) -> str:
        """queued, preparing, running; succeeded, failed, cancelled, timed_out or lost."""
        return str((await self.get())["state"])

    async def cancel(self) -> None:
        """Wishes it to end; it does soon after."""
        await self._engine._call(self._session.cancel)

    async def log(self, *, after: int = 0) -> list[LogEntry]:
        """The entries after `after` that there are now."""
        return await self._engine._call(lambda: self._session.log(after=after))

    async def follow(
        self, *, after: int = 0, timeout: float | None = None
    ) -> AsyncIterator[LogEntry]:
        """Each entry as it comes, until the session has ended; raises as ``routines.Session.follow``."""
        loop = asyncio.get_running_loop()
        queue: asyncio.Queue[Any] = asyncio.Queue()
        left = threading.Event()

        def tell(item: Any) -> None:
            try:
                loop.call_soon_threadsafe(queue.put_nowait, item)
            except RuntimeError:  # the loop is closed: nobody listens
                left.set()

        def listen() -> None:
            try:
                for entry in self._follow(after, timeout, left):
                    tell(entry)
                tell(_DONE)
            except BaseException as error:
                tell(error)

        threading.Thread(target=listen, name="routines follow", daemon=True).start()
        try:
            while True:
                item = await queue.get()
                if item is _DONE:
                    return
                if isinstance(item, BaseException):
                    raise item
                yield item
        finally:
            left.set()

    def _follow(
        self, after: int, timeout: float | None, left: threading.Event
    ) -> Iterable[LogEntry]:
        # In slices, so that the thread ends soon after its listener has left.
        from ._errors import TimedOutError

        remaining = timeout
        while not left.is_set():
            step = 0.5 if remaining is None else min(0.5, remaining)
            try:
                for entry in self._session.follow(after=after, timeout=step):
                    after = entry.sequence
                    yield entry
                    if left.is_set():
                        return
                return
            except TimedOutError:
                if remaining is not None:
                    remaining -= step
                    if remaining <= 0:
                        raise

    async def wait(self, timeout: float | None = None) -> dict[str, Any]:
        """Until it has ended; then all of it."""
        async for _ in self.follow(timeout=timeout):
            pass
        return await self.get()

    def __repr__(self) -> str:
        return f"<aio.Session {self.id}>"


class Engine:
    """An engine; options as of ``routines.Engine``."""

    def __init__(self, state: str | os.PathLike[str] = ":memory:", **options: Any) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._pool = concurrent.futures.ThreadPoolExecutor(thread_name_prefix="routines aio")
        self._engine = _engine.Engine(state, **options)

    async def _call(self, function: Callable[[], _T]) -> _T:
        self._loop = asyncio.get_running_loop()
        return await self._loop.run_in_executor(self._pool, function)

    # ---- what is plugged in ----

    def register_executor(
        self, name: str, executor: ExecutorFunction, *, keeps_to_sandbox: bool = False
    ) -> None:
        """As ``routines.Engine.register_executor``; a coroutine function runs on the loop."""
        run: Any = executor
        if inspect.iscoroutinefunction(executor) or inspect.iscoroutinefunction(
            getattr(executor, "__call__", None)
        ):
            self._loop = asyncio.get_running_loop()
            run = _OnLoop(self._loop, executor)
        self._engine.register_executor(name, run, keeps_to_sandbox=keeps_to_sandbox)

    def add_source(self, source: Source) -> None:
        """As ``routines.Engine.add_source``: its ``start`` and ``stop`` run on threads."""
        self._engine.add_source(source)

    # ---- life ----

    async def start(self) -> None:
        """Starts it; else its first ``fire``, ``deliver``, ``run``, ``follow`` or ``wait`` does."""
        await self._call(self._engine.start)

    async def close(self) -> None:
        """Stops it and waits, while the loop runs on."""
        loop = asyncio.get_running_loop()
        try:
            await loop.run_in_executor(None, self._engine.close)
        finally:
            self._pool.shutdown(wait=False)

    async def __aenter__(self) -> Engine:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()

    # ---- as of routines.Engine ----

    async def put(self, routine: Routine | str | dict[str, Any]) -> SavedRoutine:
        return await self._call(lambda: self._engine.put(routine))

    async def get(
        self, name: str, *, account: str = "default", revision: int = 0
    ) -> SavedRoutine:
        return await self._call(
            lambda: self._engine.get(name, account=account, revision=revision)
        )

    async def routines(self, *, account: str = "") -> list[SavedRoutine]:
        return await self._call(lambda: self._engine.routines(account=account))

    async def pause(self, name: str, *, account: str = "default") -> None:
        await self._call(lambda: self._engine.pause(name, account=account))

    async def resume(self, name: str, *, account: str = "default") -> None:
        await self._call(lambda: self._engine.resume(name, account=account))

    async def delete(self, name: str, *, account: str = "default") -> None:
        await self._call(lambda: self._engine.delete(name, account=account))

    async def fire(self, trigger_id: str, *, text: str = "", key: str = "") -> Fired:
        return await self._call(lambda: self._engine.fire(trigger_id, text=text, key=key))

    async def run(self, name: str, *, account: str = "default", text: str = "") -> Fired:
        return await self._call(lambda: self._engine.run(name, account=account, text=text))

    async def deliver(self, event: Event) -> Delivered:
        return await self._call(lambda: self._engine.deliver(event))

    async def decisions(
        self, name: str, *, account: str = "default", limit: int = 100
    ) -> list[Decision]:
        return await self._call(
            lambda: self._engine.decisions(name, account=account, limit=limit)
        )

    def session(self, session_id: str) -> Session:
        """A session by its id; asks for nothing yet."""
        return Session(self, self._engine.session(session_id))


class _OnLoop:
    """A coroutine function as an executor."""

    def __init__(self, loop: asyncio.AbstractEventLoop, function: ExecutorFunction) -> None:
        self._loop = loop
        self._function = function

    def __call__(self, execution: Execution) -> Union[str, None]:
        async def run() -> Union[str, None]:
            result = self._function(execution)
            return await result if inspect.isawaitable(result) else result

        future = asyncio.run_coroutine_threadsafe(run(), self._loop)
        while True:
            try:
                return future.result(timeout=0.1)
            except concurrent.futures.CancelledError:
                raise CancelledError("the session was cancelled") from None
            except concurrent.futures.TimeoutError:
                if future.done():
                    raise  # its own
                if execution.cancelled:
                    future.cancel()
