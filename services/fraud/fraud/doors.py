"""Both doors in one process."""

from fastapi import FastAPI
from shopsphere_kit import http
from shopsphere_kit.auth import TokenVerifier
from shopsphere_kit.grpc_server import create_server
from shopsphere_kit.health import Readiness
from shopsphere_kit.serving import serve as serve_until_told

from fraud import bootstrap, rest, rpc
from fraud.checkout import Checkout
from fraud.settings import Settings

VERSION = "1.0.0"


def rest_app(checkout: Checkout, verifier: TokenVerifier, settings: Settings) -> FastAPI:
    """Build the REST door; it is ready once a model is loaded, as Redis being away only degrades its answers."""
    readiness = Readiness()

    async def model_is_loaded() -> None:
        checkout.slot.require()

    readiness.add("model", model_is_loaded)
    app = http.create_app(
        service="fraud", version=VERSION, verifier=verifier, readiness=readiness, settings=settings.http
    )
    rest.mount(app, checkout)
    return app


async def serve(settings: Settings) -> None:
    """Answer REST and gRPC until SIGTERM."""
    verifier = TokenVerifier(settings.auth)
    async with bootstrap.running(settings) as checkout:
        server = create_server(
            service="fraud",
            servicers=[(rpc.REGISTER, rpc.FraudServicer(checkout, verifier))],
            names=[rpc.NAME],
            verifier=verifier,
            scopes=rpc.SCOPES,
            host=settings.http.host,
            port=settings.grpc_port,
            timeout_seconds=settings.http.request_timeout_seconds,
        )
        app = rest_app(checkout, verifier, settings)
        await serve_until_told(app, http=settings.http, rest_port=settings.rest_port, grpc_server=server)
