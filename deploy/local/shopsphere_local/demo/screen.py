"""What a person sees: steps with their progress, the report as a table, and what to do next."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

from shopsphere_local.demo import next_steps
from shopsphere_local.demo.checkout import scoring_start
from shopsphere_local.demo.platform_run import ALL_SCOPES, PlatformRun
from shopsphere_local.demo.samples import pick_samples
from shopsphere_local.state import State


class Steps:
    """Shows each step while it runs and its time when it is done."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self.seconds: dict[str, float] = {}

    @contextmanager
    def step(self, name: str, says: str, *, counted: bool = False) -> Iterator[Callable[[int, int], None]]:
        """Show a step; for one that can be counted, the value takes (done, total)."""
        started = time.monotonic()
        if not self._console.is_terminal:
            self._console.print(f"… {says}")
        bar_of_count = (BarColumn(bar_width=30), MofNCompleteColumn()) if counted else ()
        with Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            *bar_of_count,
            TimeElapsedColumn(),
            *((TimeRemainingColumn(),) if counted else ()),
            console=self._console,
            transient=True,
            disable=not self._console.is_terminal,
        ) as bar:
            task = bar.add_task(says, total=None)
            yield lambda done, total: bar.update(task, completed=done, total=total)
        self.seconds[name] = round(time.monotonic() - started, 1)
        self._console.print(f"[green]✓[/] {says} [dim]{self.seconds[name]} s[/]")


def banner(days: int, state: State) -> RenderableType:
    """What is about to happen."""
    return Panel(
        f"{days} days of a real grocery retailer (The Complete Journey, 84.51°) through Postgres, MongoDB and Kafka,\n"
        "bronze, silver and gold, to stock, fraud scores and customer profiles.\n"
        f"[dim]State, logs and data: {state.root}[/]",
        title="ShopSphere",
        border_style="cyan",
    )


def summary(report: dict[str, Any], broken: list[str]) -> RenderableType:
    """The report in brief, and the verdict."""
    table = Table(show_header=False, box=None, padding=(0, 2))
    given, fact, stock, fraud = report["input"], report["gold"]["fact_order"], report["inventory"], report["fraud"]
    table.add_row("Input", f"{given['lines']:,} lines in {given['baskets']:,} baskets, {given['sales_value']} USD")
    for name, line in report["bridge"].items():
        table.add_row(f"  {name}", f"{line['lines']:+,} lines, {line['amount']} USD")
    table.add_row("fact_order", f"{fact['rows']:,} rows, {fact['total_amount']} USD")
    table.add_row("Customers", f"{report['customer360']['profiles']:,} profiles of release {report['release']}")
    table.add_row("Stock", f"{stock['units_on_hand']:,} units on hand, {stock['units_expected']:,} expected")
    table.add_row(
        "Fraud", f"{fraud['scored']:,} scored {fraud['decisions']}, {fraud['skew_mismatches']} differ offline"
    )
    table.add_row(
        "Quarantine",
        f"{report['bronze'].get('quarantine', 0):,} in bronze, {report['silver']['quarantine']:,} in silver",
    )
    table.add_row("Time", f"{report['seconds']['total']} s")
    verdict = Text("Everything adds up.", style="bold green")
    if broken:
        verdict = Text("\n".join(["Does not hold:", *(f"  {line}" for line in broken)]), style="bold red")
    return Group(table, verdict)


def what_next(platform: PlatformRun) -> RenderableType:
    """Copy-paste calls for each API, a query, and the dashboard's sign-in link."""
    samples = pick_samples(platform.dsn, scoring_start(platform.days))
    lines = next_steps.calls(platform.stack, platform.token(*ALL_SCOPES), samples)
    return Text("\n".join(["", *lines, "", "Ctrl-C stops everything."]))
