"""Running a REST and a gRPC door in one process until SIGTERM."""

import asyncio
import contextlib
import signal
from collections.abc import Callable, Iterator
from typing import Protocol

import uvicorn
from starlette.types import ASGIApp

from shopsphere_kit.logging import get_logger
from shopsphere_kit.settings import HttpSettings

_log = get_logger(__name__)


class GrpcDoor(Protocol):
    """What `serve` needs of a gRPC server; a service without one installs no grpc."""

    bound_port: int

    async def start(self) -> None:
        """Answer calls."""
        ...

    async def stop(self, grace: float | None) -> None:
        """Refuse new calls and give open ones `grace` seconds."""
        ...


class _Uvicorn(uvicorn.Server):
    """Uvicorn whose signals belong to `serve`, so that both doors close together."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the process's signal handlers alone."""
        yield


async def serve(
    app: ASGIApp,
    *,
    http: HttpSettings,
    rest_port: int,
    grpc_server: GrpcDoor | None = None,
    on_stopping: Callable[[], None] | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT; then refuse new work, let open requests finish, and return.

    `on_stopping` ends what would not finish by itself: open streams.
    """
    config = uvicorn.Config(
        app,
        host=http.host,
        port=rest_port,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=max(1, round(http.shutdown_grace_seconds)),
    )
    rest = _Uvicorn(config)
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    if grpc_server:
        await grpc_server.start()
    rest_task = asyncio.create_task(rest.serve())
    stop_task = asyncio.create_task(stopping.wait())
    _log.info("serving", rest_port=rest_port, grpc_port=grpc_server.bound_port if grpc_server else None)
    await asyncio.wait({rest_task, stop_task}, return_when=asyncio.FIRST_COMPLETED)
    _log.info("stopping")
    if on_stopping:
        on_stopping()
    rest.should_exit = True
    if grpc_server:
        await grpc_server.stop(http.shutdown_grace_seconds)
    stop_task.cancel()
    await rest_task
