"""`shopsphere status`: what runs, whether it is well, how much memory it takes, and where its log is."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
from rich.console import Console
from rich.table import Table

from shopsphere_local.commands.options import state
from shopsphere_local.registry import Entry, Registry

if TYPE_CHECKING:
    from shopsphere_local.commands.options import Verbs

_MIB = 1024 * 1024


def add_parser(verbs: "Verbs") -> None:
    """Add the verb."""
    parser = verbs.add_parser("status", help="show processes, health, memory, ports and log files")
    parser.set_defaults(run=run)


def run(_args: argparse.Namespace) -> int:
    """Print the table; exit code 0 when all are up, 3 when nothing or not everything is."""
    console, registry = Console(), Registry(state().run)
    entries = registry.read()
    if registry.supervisor() is None and not any(entry.process() for entry in entries):
        console.print("Nothing is running; `shopsphere up` starts the platform.")
        return 3
    console.print(table(entries))
    return 0 if all(entry.process() and entry.state == "ready" for entry in entries) else 3


def table(entries: Sequence[Entry]) -> Table:
    """Return one line per process, and the sum of their memory."""
    shown = Table(box=None, pad_edge=False, show_footer=True, caption_justify="left")
    total = 0.0
    rows = []
    for entry in entries:
        process = entry.process()
        memory = _memory(process) if process else 0.0
        total += memory
        alive = entry.state if process else "gone"
        colour = "green" if alive == "ready" else "red"
        ports = ", ".join(str(port) for port in (_ports(process) if process else []))
        rows.append(
            (entry.name, f"[{colour}]{alive}[/]", str(entry.pid), str(entry.restarts), ports, memory, entry.log)
        )
    for title, footer in (("process", "total"), ("state", ""), ("pid", ""), ("restarts", ""), ("ports", "")):
        shown.add_column(title, footer=footer)
    shown.add_column("MiB", footer=f"{total:.0f}", justify="right")
    shown.add_column("log", overflow="fold")
    if entries:
        shown.caption = f"logs in {Path(entries[0].log).parent}"
    for *texts, memory, log in rows:
        shown.add_row(*texts, f"{memory:.0f}", Path(log).name)
    return shown


def _memory(process: psutil.Process) -> float:
    # Proportional where the kernel gives it: the processes of one PostgreSQL share most of their pages.
    total = 0
    for each in _family(process):
        try:
            full = each.memory_full_info()
            total += getattr(full, "pss", full.rss)
        except psutil.Error:
            continue
    return total / _MIB


def _family(process: psutil.Process) -> list[psutil.Process]:
    try:
        return [process, *process.children(recursive=True)]
    except psutil.Error:
        return []


def _ports(process: psutil.Process) -> list[int]:
    found: set[int] = set()
    for each in _family(process):
        try:
            found |= {c.laddr.port for c in each.net_connections("tcp") if c.status == psutil.CONN_LISTEN}
        except psutil.Error:
            continue
    return sorted(found)
