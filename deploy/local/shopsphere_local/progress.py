"""Shows on the screen what starts, runs and stops."""

import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn


class StartProgress:
    """A bar that fills while processes become ready, and one line for each that is; use as a context manager."""

    def __init__(self, console: Console, wanted: int) -> None:
        self._console = console
        self._since: dict[str, float] = {}
        self._wanted = wanted
        self._task: TaskID | None = None
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=30),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )

    def __enter__(self) -> Self:
        self._progress.start()
        self._task = self._progress.add_task("starting", total=self._wanted)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def change(self, name: str, state: str) -> None:
        """Take in a process's new state; the supervisor calls this."""
        if state == "starting":
            self._since[name] = time.monotonic()
        elif state == "ready" and name in self._since:
            self._console.print(f"  [green]✓[/] {name} [dim]{time.monotonic() - self._since.pop(name):.1f} s[/]")
            self._advance()
        elif state not in ("stopping", "stopped"):
            self._console.print(f"  [yellow]![/] {name} {state}")
        if self._task is not None and self._since:
            self._progress.update(self._task, description="starting " + ", ".join(sorted(self._since)))

    def _advance(self) -> None:
        if self._task is not None:
            self._progress.advance(self._task)
