"""The REST door: nothing but liveness, readiness and metrics."""

from collections.abc import Awaitable, Callable, Sequence
from importlib.metadata import version

from fastapi import FastAPI
from shopsphere_kit.auth import TokenVerifier
from shopsphere_kit.errors import Unavailable
from shopsphere_kit.health import Readiness
from shopsphere_kit.http import create_app

from ingest.pump import Pump, State
from ingest.settings import Settings


def app(settings: Settings, pumps: Sequence[Pump]) -> FastAPI:
    """The application; /readyz names each source with its reason and is 503 while one is not being read."""
    readiness = Readiness()
    for pump in pumps:
        readiness.add(pump.name, _running(pump))
    return create_app(
        service="ingest",
        version=version("shopsphere-ingest"),
        verifier=TokenVerifier(settings.auth),
        readiness=readiness,
        settings=settings.http,
    )


def _running(pump: Pump) -> Callable[[], Awaitable[None]]:
    async def check() -> None:
        if pump.state is not State.RUNNING:
            cause = pump.failure or pump.interruption
            # The reason is for anybody; the detail may name hosts and users, so it stands in the log alone.
            raise Unavailable(f"{pump.name} is {pump.state}", reason=cause.reason if cause else str(pump.state))

    return check
