"""Starts processes in the order they need each other, keeps them up, and stops them in the reverse order."""

import asyncio
import signal
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from shopsphere_kit.errors import NotFound
from shopsphere_kit.waiting import POLL_SECONDS

from shopsphere_local.process import ProcessFailed, ProcessSpec
from shopsphere_local.registry import Entry, Registry, entry_of
from shopsphere_local.servers.probes import quietly
from shopsphere_local.spawn import signal_group, spawn

_FIRST_BACKOFF_SECONDS = 0.5
_LONGEST_BACKOFF_SECONDS = 30.0
# A process that stayed up this long before it died starts again with the shortest pause.
_SETTLED_SECONDS = 60.0

OnChange = Callable[[str, str], None]
"""Called with a process name and its new state: starting, ready, restarting, stopping, stopped, failed."""


@dataclass
class _Running:
    spec: ProcessSpec
    process: asyncio.subprocess.Process
    state: str = "starting"
    restarts: int = 0
    keeper: asyncio.Task[None] | None = None

    def entry(self) -> Entry:
        return entry_of(
            self.spec.name,
            self.process.pid,
            self.spec.stop_signal,
            state=self.state,
            restarts=self.restarts,
            log=str(self.spec.log),
        )


class Supervisor:
    """The parent of all processes of one stack; lives in one event loop."""

    def __init__(
        self, run: Path, specs: Iterable[ProcessSpec], on_change: OnChange = lambda _name, _state: None
    ) -> None:
        self._specs = {spec.name: spec for spec in specs}
        self._registry = Registry(run)
        self._on_change = on_change
        self._running: dict[str, _Running] = {}
        self._starting: dict[str, asyncio.Task[None]] = {}
        self._stopping = False

    @property
    def names(self) -> list[str]:
        """The processes that are up, in start order."""
        return list(self._running)

    def pid(self, name: str) -> int:
        """Return the process id; raises NotFound when it is not up."""
        return self._get(name).process.pid

    async def start(self, names: Iterable[str]) -> None:
        """Start the named processes and what they depend on; return when all are ready, raise ProcessFailed if not."""
        self._stopping = False
        wanted = needed(names, self._specs)
        await asyncio.gather(*(self._start_once(name) for name in wanted))

    async def stop(self) -> None:
        """Stop everything; a process ends before those it depends on."""
        self._stopping = True
        for task in self._starting.values():
            task.cancel()
        await asyncio.gather(*self._starting.values(), return_exceptions=True)
        self._starting.clear()
        stops: dict[str, asyncio.Task[None]] = {}
        for name in reversed(list(self._running)):
            dependents = [stops[other] for other in stops if name in self._specs[other].depends_on]
            stops[name] = asyncio.create_task(self._stop_after(name, dependents))
        await asyncio.gather(*stops.values())

    async def stop_one(self, name: str, number: signal.Signals | None = None) -> None:
        """Stop one process for good, with its own stop signal or the given one (SIGKILL, say)."""
        await self._terminate(self._get(name), number)

    def send_signal(self, name: str, number: signal.Signals) -> None:
        """Send a signal to one process and let the restart rule act on what follows."""
        self._get(name).process.send_signal(number)

    def _get(self, name: str) -> _Running:
        if name not in self._running:
            raise NotFound(f"{name} is not running", field="name")
        return self._running[name]

    def _start_once(self, name: str) -> asyncio.Task[None]:
        task = self._starting.get(name)
        if task is None or (task.done() and name not in self._running):
            task = self._starting[name] = asyncio.create_task(self._start_in_order(self._specs[name]))
        return task

    async def _start_in_order(self, spec: ProcessSpec) -> None:
        await asyncio.gather(*(asyncio.shield(self._start_once(other)) for other in spec.depends_on))
        self._on_change(spec.name, "starting")
        if spec.prepare:
            await asyncio.to_thread(spec.prepare)
        running = _Running(spec, await _launch(spec))
        self._running[spec.name] = running
        self._record()
        try:
            await _until_ready(spec, running.process)
            if spec.after_ready:
                await asyncio.to_thread(spec.after_ready)
        except BaseException:
            await self._terminate(running)
            raise
        self._set(running, "ready")
        running.keeper = asyncio.create_task(self._keep(running))

    async def _keep(self, running: _Running) -> None:
        backoff = _FIRST_BACKOFF_SECONDS
        while True:
            started = time.monotonic()
            code = await running.process.wait()
            if self._stopping:
                return
            if not running.spec.restart or code in running.spec.final_exit_codes:
                self._set(running, f"failed (exit {code})")
                return
            if time.monotonic() - started > _SETTLED_SECONDS:
                backoff = _FIRST_BACKOFF_SECONDS
            self._set(running, "restarting")
            await asyncio.sleep(backoff)
            backoff = min(backoff * 2, _LONGEST_BACKOFF_SECONDS)
            await self._relaunch(running)

    async def _relaunch(self, running: _Running) -> None:
        signal_group(running.process, signal.SIGKILL)
        if running.spec.prepare:
            await asyncio.to_thread(running.spec.prepare)
        running.process = await _launch(running.spec)
        running.restarts += 1
        self._record()
        try:
            await _until_ready(running.spec, running.process)
        except ProcessFailed:
            signal_group(running.process, signal.SIGKILL)
            return
        self._set(running, "ready")

    async def _stop_after(self, name: str, dependents: list[asyncio.Task[None]]) -> None:
        await asyncio.gather(*dependents)
        await self._terminate(self._running[name])

    async def _terminate(self, running: _Running, number: signal.Signals | None = None) -> None:
        if running.keeper:
            running.keeper.cancel()
        self._on_change(running.spec.name, "stopping")
        await end(running.process, number or running.spec.stop_signal, running.spec.stop_seconds)
        self._running.pop(running.spec.name, None)
        self._starting.pop(running.spec.name, None)
        self._record()
        self._on_change(running.spec.name, "stopped")

    def _set(self, running: _Running, state: str) -> None:
        running.state = state
        self._record()
        self._on_change(running.spec.name, state)

    def _record(self) -> None:
        self._registry.write([running.entry() for running in self._running.values()])


def needed(names: Iterable[str], specs: Mapping[str, ProcessSpec]) -> list[str]:
    """Return the names and all they depend on, each after what it depends on; raises NotFound for an unknown one."""
    order: dict[str, None] = {}

    def visit(name: str) -> None:
        if name not in specs:
            raise NotFound(f"there is no process {name!r}; known are {', '.join(sorted(specs))}", field="name")
        for other in specs[name].depends_on:
            visit(other)
        order.setdefault(name)

    for name in names:
        visit(name)
    return list(order)


async def end(process: asyncio.subprocess.Process, number: signal.Signals, seconds: float) -> None:
    """Send the signal, wait, and kill whatever of the child's session is left."""
    if process.returncode is None:
        process.send_signal(number)
        try:
            await asyncio.wait_for(process.wait(), seconds)
        except TimeoutError:
            signal_group(process, signal.SIGKILL)
            await process.wait()
    signal_group(process, signal.SIGKILL)


async def _launch(spec: ProcessSpec) -> asyncio.subprocess.Process:
    return await spawn(
        spec.argv, log=spec.log, env=spec.env, cwd=spec.cwd, stop_signal=spec.stop_signal, user=spec.user
    )


async def _until_ready(spec: ProcessSpec, process: asyncio.subprocess.Process) -> None:
    deadline = time.monotonic() + spec.ready_seconds
    ready = quietly(spec.ready)
    while not await ready():
        if process.returncode is not None:
            raise ProcessFailed(spec.name, f"ended with code {process.returncode} before it was ready", spec.log)
        if time.monotonic() > deadline:
            raise ProcessFailed(spec.name, f"was not ready after {spec.ready_seconds:g} s", spec.log)
        await asyncio.sleep(POLL_SECONDS)
    if process.returncode is not None:
        # Somebody else answers on its port.
        raise ProcessFailed(spec.name, f"ended with code {process.returncode}; is its port taken?", spec.log)
