"""`shopsphere demo`: from nothing to a judged report, then up until Ctrl-C."""

import argparse
import asyncio
import json
import time
from pathlib import Path
from typing import Any

from rich.console import Console
from shopsphere_kit.clock import SystemClock
from shopsphere_kit.errors import Conflict

from shopsphere_local.commands.options import ports, state
from shopsphere_local.demo import screen
from shopsphere_local.demo.platform_run import PlatformRun
from shopsphere_local.demo.report import assemble
from shopsphere_local.demo.verdict import failures
from shopsphere_local.registry import Registry
from shopsphere_local.stack import Stack, run_with
from shopsphere_local.state import State


def run(args: argparse.Namespace) -> int:
    """Run the demo on a fresh state; returns 1 when a promise of the report does not hold."""
    console = Console()
    here = state()
    forget_the_last_run(here, console)
    stack = Stack(here, ports(args))
    if taken := stack.taken_ports():
        names = ", ".join(f"{name} ({port})" for name, port in taken.items())
        raise Conflict(f"ports in use: {names}; stop what listens there, or choose others with --port-base")
    return asyncio.run(run_with(stack, lambda: _demo(args, stack, console)))


def forget_the_last_run(here: State, console: Console) -> None:
    """Remove data of an earlier run, since the replay starts on empty sources; caches stay.

    Raises Conflict while another supervisor is at work; what a killed one left running is stopped first.
    """
    if not here.data.exists():
        return
    registry = Registry(here.run)
    with registry.hold():
        registry.sweep()
        console.print(f"[dim]Removing the data of the last run in {here.data}[/]")
        here.erase()


async def _demo(args: argparse.Namespace, stack: Stack, console: Console) -> int:
    started = time.monotonic()
    console.print(screen.banner(args.days, stack.state))
    platform = PlatformRun(stack, args.days, screen.Steps(console), SystemClock())
    await platform.walk()
    report: dict[str, Any] = assemble(platform)
    report["seconds"]["total"] = round(time.monotonic() - started, 1)
    broken = failures(report)
    if args.report:
        write(args.report, report | {"failures": broken})
        console.print(f"Report: {args.report}")
    console.print(screen.summary(report, broken))
    if args.once:
        return 1 if broken else 0
    console.print(await asyncio.to_thread(screen.what_next, platform), soft_wrap=True, highlight=False)
    await asyncio.Event().wait()
    return 1 if broken else 0


def write(file: Path, report: dict[str, Any]) -> None:
    """Write the report as indented JSON, making its folder."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
