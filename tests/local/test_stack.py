import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from shopsphere_kit.errors import Conflict
from shopsphere_kit.waiting import await_until
from shopsphere_local.ports import Ports
from shopsphere_local.process import ProcessFailed
from shopsphere_local.registry import Registry
from shopsphere_local.stack import Stack, run_with
from shopsphere_local.state import State


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    made = Stack(State(tmp_path / "a state"), Ports.free())
    yield made
    assert Registry(made.state.run).read() == []


async def test_a_job_runs_with_the_settings_of_its_service_and_hands_over_what_it_prints(stack: Stack) -> None:
    code = "import os, sys; print(os.environ['INVENTORY_REST_PORT']); sys.stderr.write('a log line')"
    job = await stack.run_job(["-c", code], "inventory", name="audit")
    assert job.text() == f"{stack.ports.inventory_rest}\n"
    assert job.log.read_text() == "a log line"
    assert job.log.name == "audit.log"


async def test_a_job_that_fails_says_so_with_the_end_of_its_log(stack: Stack) -> None:
    with pytest.raises(ProcessFailed, match=r"(?s)transform ended with code 1.*no release.*transform\.log"):
        await stack.run_job(["-c", "raise SystemExit('no release')"], "transform")


async def test_a_cancelled_job_is_stopped(stack: Stack, tmp_path: Path) -> None:
    up = tmp_path / "up"
    code = f"import pathlib, signal; pathlib.Path({str(up)!r}).touch(); signal.pause()"
    job = asyncio.create_task(stack.run_job(["-c", code], "fraud"))

    async def is_up() -> bool:
        return await asyncio.to_thread(up.exists)

    await await_until(is_up, deadline_seconds=20, what="the job")
    job.cancel()
    with pytest.raises(asyncio.CancelledError):
        await job


async def test_the_work_decides_the_exit_code_and_the_stack_stops_after_it(stack: Stack) -> None:
    async def work() -> int:
        await stack.start(["redis"])
        return 3

    assert await run_with(stack, work) == 3
    assert stack.supervisor.names == []


async def test_a_second_supervisor_of_one_state_folder_is_refused(stack: Stack) -> None:
    with Registry(stack.state.run).hold(), pytest.raises(Conflict, match="already running"):
        await stack.start(["redis"])


def test_a_service_needs_its_servers_and_nothing_else(stack: Stack) -> None:
    assert stack.needed(["inventory-serve"]) == ["redis", "inventory-serve"]
    assert set(stack.needed(["ingest"])) == {"postgres", "mongo", "kafka", "ingest"}
    assert len(stack.needed()) == 10
