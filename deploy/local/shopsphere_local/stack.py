"""The platform on one machine, as an object: start what is asked for, run jobs against it, stop it all."""

import asyncio
import contextlib
import signal
import sys
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from shopsphere_kit.waiting import await_until

from shopsphere_local import catalogue, environment
from shopsphere_local.ports import Ports, is_taken
from shopsphere_local.process import ProcessFailed
from shopsphere_local.registry import Registry
from shopsphere_local.servers.probes import http_ok, quietly
from shopsphere_local.settings import inherited_environment
from shopsphere_local.spawn import spawn
from shopsphere_local.state import State
from shopsphere_local.supervisor import OnChange, Supervisor, end, needed

_JOB_STOP_SECONDS = 10.0
_READY_SECONDS = 60.0


@dataclass(frozen=True)
class Job:
    """What a finished job left: its log, and the file with what it printed."""

    log: Path
    output: Path

    def text(self) -> str:
        """Return what it printed."""
        return self.output.read_text(encoding="utf-8")


class Stack:
    """All processes of one state folder. Use it in one event loop, in a thread that outlives the processes."""

    def __init__(self, state: State, ports: Ports, on_change: OnChange = lambda _name, _state: None) -> None:
        self.state, self.ports = state, ports
        state.prepare()
        self._registry = Registry(state.run)
        self._hold = contextlib.ExitStack()
        self._held = False
        specs = catalogue.everything(state, ports)
        self._specs = {spec.name: spec for spec in specs}
        self.supervisor = Supervisor(state.run, specs, on_change)

    async def start(self, names: Iterable[str] = ()) -> None:
        """Start the named processes (all when none is named) and what they need; return when all are ready.

        Raises Conflict when another supervisor holds the state folder, and ProcessFailed with the end of the log.
        """
        if not self._held:
            self._hold.enter_context(self._registry.hold())
            self._held = True
            self._registry.sweep()
        await self.supervisor.start(self.needed(names))

    async def stop(self) -> None:
        """Stop every process, those that need others first."""
        await self.supervisor.stop()
        self._hold.close()
        self._held = False

    def needed(self, names: Iterable[str] = ()) -> list[str]:
        """Return the named processes (all when none is named) and what they depend on, in an order to start them."""
        return needed(list(names) or self._specs, self._specs)

    def environment(self, service: str) -> dict[str, str]:
        """Return the settings of a service (`ingest`, `transform`, …) as environment variables."""
        return environment.of_service(service, self.state, self.ports)

    async def run_job(self, argv: Sequence[str], service: str, *, name: str | None = None) -> Job:
        """Run `python <argv…>` (`["-m", "transform", "run"]`) with the service's settings until it ends.

        Raises ProcessFailed with the end of its log. Cancelling stops the job.
        """
        title = name or service
        job = Job(self.state.logs / f"{title}.log", self.state.logs / f"{title}.out")
        env = inherited_environment() | self.environment(service)
        job.output.unlink(missing_ok=True)
        process = await spawn([sys.executable, *argv], log=job.log, output=job.output, env=env, cwd=self.state.root)
        try:
            code = await process.wait()
        finally:
            await end(process, signal.SIGTERM, _JOB_STOP_SECONDS)
        if code != 0:
            raise ProcessFailed(title, f"ended with code {code}", job.log)
        return job

    async def until_ready(self, service: str, *, deadline_seconds: float = _READY_SECONDS) -> None:
        """Wait until a service with a REST door answers 200 on /readyz."""
        ready = quietly(http_ok(self.rest_port(service), "/readyz"))
        await await_until(ready, deadline_seconds=deadline_seconds, what=f"/readyz of {service}")

    def rest_port(self, service: str) -> int:
        """Return the REST port of a service."""
        return self.ports.items()[f"{service}_rest"]

    def taken_ports(self) -> dict[str, int]:
        """Return which of the stack's ports somebody listens on already."""
        return {name: port for name, port in self.ports.items().items() if is_taken(port)}


async def run_with(stack: Stack, work: Callable[[], Awaitable[int]]) -> int:
    """Run `work`, stop the stack whatever happens, and return the work's exit code; Ctrl-C or SIGTERM cancels it."""
    task = asyncio.ensure_future(work())
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, task.cancel)
    try:
        return await task
    except asyncio.CancelledError:
        return 0
    finally:
        await stack.stop()
