"""Sources of events of a host's own."""

from __future__ import annotations

import abc
import json
import threading
from typing import Mapping

from . import _core
from ._errors import CancelledError, ClosedError
from ._event import Delivered
from ._values import Payload, to_bytes


class Sink:
    """Where a source hands its events to. Any thread may use it; it outlives the engine, and refuses then."""

    def __init__(self, core: _core.Sink) -> None:
        self._core = core

    def emit(
        self,
        type: str = "",
        payload: Payload = b"",
        *,
        id: str = "",
        attributes: Mapping[str, str] | None = None,
        account: str = "",
    ) -> Delivered:
        """Hands over an event; when this returns, it is durable.

        Blocks on the disk, and while 256 events of this source are on their way. ``id`` makes an event that comes
        again known. Raises ``UnavailableError`` (try again with the same id), ``InvalidError`` (never try again),
        ``CancelledError`` (the engine is stopping).
        """
        raw = to_bytes(payload)
        try:
            return Delivered._of(json.loads(self._core.emit(type, id, raw, attributes, account)))
        except ClosedError:
            raise CancelledError("the engine has stopped; emit it to the next") from None

    @property
    def stopping(self) -> bool:
        """Whether the engine takes no more events."""
        return self._core.stopping()


class Source(abc.ABC):
    """A source of events: subclass it and give it to ``Engine.add_source``.

    Its events carry its ``name``, which is the ``source`` of triggers of kind ``custom``.
    """

    name: str

    @abc.abstractmethod
    def start(self, sink: Sink) -> None:
        """Begins to emit, on threads of its own; returns at once. An exception fails the engine's start."""

    @abc.abstractmethod
    def stop(self) -> None:
        """Returns when it emits no more. Called once after a start that went well."""


class ThreadedSource(Source):
    """A source that is a loop on a thread of its own: only ``run`` is to be written.

    An exception that leaves ``run`` ends the source; it is reported by ``threading.excepthook``, like that of any
    other thread, but for the ``CancelledError`` of an engine that stops.
    """

    _thread: threading.Thread | None = None
    _stop: threading.Event

    @abc.abstractmethod
    def run(self, sink: Sink) -> None:
        """Emits until ``wait`` returns True, or for as long as it likes to."""

    def wait(self, seconds: float) -> bool:
        """Waits; True, and at once, when the source should end."""
        return self._stop.wait(seconds)

    def start(self, sink: Sink) -> None:
        self._stop = threading.Event()
        self._thread = threading.Thread(
            target=self._run, args=(sink,), name=f"routines source {self.name}", daemon=True
        )
        self._thread.start()

    def _run(self, sink: Sink) -> None:
        try:
            self.run(sink)
        except CancelledError:
            if not sink.stopping:
                raise

    def stop(self) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
