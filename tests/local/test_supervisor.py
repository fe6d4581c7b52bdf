import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from shopsphere_kit.errors import Conflict, NotFound
from shopsphere_kit.waiting import await_until, wait_until
from shopsphere_local.process import ProcessFailed, ProcessSpec
from shopsphere_local.registry import Registry
from shopsphere_local.supervisor import Supervisor, needed

# Says that it is up by making a file, and writes its end into the order book; children of root's Python start in 20 ms.
_CHILD = """
import pathlib, signal, sys, threading
name, folder = sys.argv[1], pathlib.Path(sys.argv[2])
def leave(*_):
    with (folder / "order").open("a") as book: book.write(f"-{name} ")
    sys.exit(0)
signal.signal(signal.SIGTERM, leave)
(folder / name).touch()
with (folder / "order").open("a") as book: book.write(f"+{name} ")
while True: signal.pause()
"""


def child(folder: Path, name: str, *depends_on: str, code: str = _CHILD, ready_seconds: float = 20) -> ProcessSpec:
    async def ready() -> bool:
        return (folder / name).exists()

    return ProcessSpec(
        name=name,
        argv=(sys.executable, "-S", "-c", code, name, str(folder)),
        log=folder / f"{name}.log",
        ready=ready,
        depends_on=depends_on,
        ready_seconds=ready_seconds,
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "a folder"
    made.mkdir()
    return made


@pytest.fixture
async def three(folder: Path) -> AsyncIterator[Supervisor]:
    specs = [child(folder, "door", "store", "broker"), child(folder, "store"), child(folder, "broker", "store")]
    supervisor = Supervisor(folder, specs)
    yield supervisor
    await supervisor.stop()


async def test_processes_start_after_and_stop_before_what_they_depend_on(three: Supervisor, folder: Path) -> None:
    await three.start(["door"])
    await three.stop()
    assert (folder / "order").read_text().split() == ["+store", "+broker", "+door", "-door", "-broker", "-store"]


async def test_only_what_is_needed_starts(three: Supervisor) -> None:
    await three.start(["broker"])
    assert three.names == ["store", "broker"]


async def test_starting_twice_changes_nothing(three: Supervisor) -> None:
    await three.start(["store"])
    first = three.pid("store")
    await three.start(["store"])
    assert three.pid("store") == first


async def test_a_process_that_was_killed_comes_back(three: Supervisor, folder: Path) -> None:
    await three.start(["store"])
    first = three.pid("store")
    three.send_signal("store", signal.SIGKILL)

    async def back() -> bool:
        return any(e.state == "ready" and e.pid != first and e.restarts == 1 for e in Registry(folder).read())

    await await_until(back, deadline_seconds=20, what="the second life of the store")


async def test_a_process_that_says_it_must_not_be_started_again_is_left_alone(folder: Path) -> None:
    fenced = replace(child(folder, "fenced"), final_exit_codes=frozenset({-signal.SIGKILL}))
    supervisor = Supervisor(folder, [fenced])
    await supervisor.start(["fenced"])
    supervisor.send_signal("fenced", signal.SIGKILL)

    async def failed() -> bool:
        return any(entry.state.startswith("failed") and entry.restarts == 0 for entry in Registry(folder).read())

    await await_until(failed, deadline_seconds=20, what="the supervisor to give it up")
    await supervisor.stop()


async def test_a_process_stopped_for_good_stays_away_and_can_be_started_again(three: Supervisor) -> None:
    await three.start(["store"])
    await three.stop_one("store", signal.SIGKILL)
    assert three.names == []
    await three.start(["store"])
    assert three.names == ["store"]


async def test_an_early_end_is_reported_with_the_end_of_the_log(folder: Path) -> None:
    supervisor = Supervisor(folder, [child(folder, "bad", code="print('no disk'); raise SystemExit(3)")])
    with pytest.raises(ProcessFailed, match=r"(?s)bad ended with code 3.*no disk.*bad\.log"):
        await supervisor.start(["bad"])
    assert supervisor.names == []


async def test_a_process_that_never_serves_is_stopped(folder: Path) -> None:
    silent = child(folder, "silent", code="import signal; signal.pause()", ready_seconds=0.2)
    supervisor = Supervisor(folder, [silent])
    with pytest.raises(ProcessFailed, match=r"not ready after 0\.2 s"):
        await supervisor.start(["silent"])
    assert Registry(folder).read() == []


def test_an_unknown_name_is_refused_with_the_known_ones(folder: Path) -> None:
    with pytest.raises(NotFound, match="no process 'stroe'; known are store"):
        needed(["stroe"], {"store": child(folder, "store")})


# A supervisor as a process of its own, so that it can be killed.
_SUPERVISOR = """
import asyncio, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from test_supervisor import child
from shopsphere_local.supervisor import Supervisor
folder = Path(sys.argv[1])
async def main():
    supervisor = Supervisor(folder, [child(folder, "door", "store"), child(folder, "store")])
    await supervisor.start(["door"])
    (folder / "up").touch()
    await asyncio.Event().wait()
asyncio.run(main())
"""


def start_supervisor(folder: Path) -> subprocess.Popen[bytes]:
    here = str(Path(__file__).parent)
    process = subprocess.Popen([sys.executable, "-c", _SUPERVISOR, str(folder), here])
    wait_until((folder / "up").exists, deadline_seconds=30, what="the supervisor")
    return process


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the next start or `down` sweeps")
def test_killing_the_supervisor_leaves_no_orphan(folder: Path) -> None:
    supervisor = start_supervisor(folder)
    children = psutil.Process(supervisor.pid).children(recursive=True)
    assert len(children) == 2
    supervisor.kill()
    supervisor.wait()
    _, left = psutil.wait_procs(children, timeout=10)
    assert left == []


def test_sweeping_ends_what_is_recorded_and_nothing_else(folder: Path) -> None:
    supervisor = start_supervisor(folder)
    registry = Registry(folder)
    children = [process for entry in registry.read() if (process := entry.process())]
    supervisor.send_signal(signal.SIGSTOP)
    assert registry.sweep() == ["door", "store"]
    # A stopped parent cannot bury its children: they are zombies, which `process` counts as gone.
    assert len(children) == 2
    assert all(child.status() == psutil.STATUS_ZOMBIE for child in children)
    supervisor.kill()
    supervisor.wait()
    assert registry.sweep() == []


def test_a_reused_process_id_is_not_taken_for_ours(folder: Path) -> None:
    registry = Registry(folder)
    registry.write([])
    (folder / "processes.json").write_text(
        f'[{{"name": "old", "pid": {os.getpid()}, "created": 1.0, "state": "ready", "restarts": 0, '
        '"stop_signal": 15, "log": ""}]'
    )
    assert registry.sweep() == []


def test_one_state_folder_has_one_supervisor(folder: Path) -> None:
    with Registry(folder).hold():
        assert Registry(folder).supervisor() is not None
        with pytest.raises(Conflict, match="already running"), Registry(folder).hold():
            pass
    assert Registry(folder).supervisor() is None
