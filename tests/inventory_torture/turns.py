"""Processes of a simulation: coroutines that give way at every call, so that a scheduler decides who goes next."""

from collections.abc import Callable, Coroutine, Generator
from typing import Any, TypeVar

from aiokafka.errors import KafkaError
from inventory.errors import DataSetLost, StockUnavailable

T = TypeVar("T")
# What ends a process; its supervisor starts it again.
_FATAL = (StockUnavailable, DataSetLost, KafkaError)


class Turn:
    """Awaiting one lets everybody else go first; whoever waits may be killed there."""

    def __await__(self) -> Generator[None, None, None]:
        yield


class Process:
    """A program that is started again whenever it ended."""

    def __init__(self, name: str, program: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self.name = name
        self.sleeps_until = 0
        self._program = program
        self._running: Coroutine[Any, Any, None] | None = None

    def resume(self) -> None:
        """Let it run until its next turn."""
        self._running = self._running or self._program()
        try:
            self._running.send(None)
        except (StopIteration, *_FATAL):
            self._running = None

    def kill(self) -> None:
        """kill -9, wherever it is."""
        if self._running:
            self._running.close()
        self._running = None


def at_once(work: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine that waits for nobody."""
    try:
        work.send(None)
    except StopIteration as done:
        result: T = done.value
        return result
    work.close()
    raise RuntimeError("it waits for somebody")
