"""How both doors of a process close."""

import asyncio
import os
import signal

from fastapi import FastAPI
from shopsphere_kit.serving import serve
from shopsphere_kit.settings import HttpSettings
from shopsphere_kit.waiting import await_until


class Door:
    """A gRPC door that notes what happens to it."""

    bound_port = 0

    def __init__(self, log: list[str]) -> None:
        self.log = log

    async def start(self) -> None:
        self.log.append("started")

    async def stop(self, grace: float | None) -> None:
        self.log.append("stopped")


async def test_a_stop_is_told_before_the_doors_close() -> None:
    log: list[str] = []
    serving = asyncio.create_task(
        serve(
            FastAPI(),
            http=HttpSettings(),
            rest_port=0,
            grpc_server=Door(log),
            on_stopping=lambda: log.append("stopping"),
        )
    )

    async def has_started() -> bool:
        return bool(log)

    await await_until(has_started, deadline_seconds=10, what="the doors")
    os.kill(os.getpid(), signal.SIGTERM)
    async with asyncio.timeout(10):
        await serving
    assert log == ["started", "stopping", "stopped"]
