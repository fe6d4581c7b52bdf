"""Opens what Customer 360 needs and wires it.

Closing order of `serve`: both doors stop taking work and finish what is open, the watcher of CURRENT ends, the store
lets go of its generations. `load` closes its generation (published or thrown away), then the lock; the catalog holds
no connection between calls.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

from fastapi import FastAPI
from pydantic import SecretStr
from pyiceberg.catalog import Catalog
from shopsphere.customer360.v1 import customer360_pb2_grpc as pb_grpc
from shopsphere_kit import grpc_server, http, lake
from shopsphere_kit.auth import TokenVerifier
from shopsphere_kit.clock import Clock, SystemClock
from shopsphere_kit.errors import ShopSphereError
from shopsphere_kit.health import Readiness
from shopsphere_kit.logging import get_logger

from customer360 import dashboard, metrics, rest, rpc
from customer360.dashboard_access import DashboardAccess
from customer360.directory import CustomerDirectory
from customer360.ended_sessions import FileEndedSessions
from customer360.errors import LakeUnavailable, NothingLoaded, NothingPublished
from customer360.kept_key import kept_key
from customer360.lmdb_store import LmdbProfileStore
from customer360.page_tokens import PageTokens
from customer360.sessions import Sessions
from customer360.settings import Settings
from customer360.signin import FileSignInCodes
from customer360.store import ProfileStore

VERSION = "1.0.0"
MIB = 1_048_576

_log = get_logger(__name__)


@dataclass(frozen=True)
class Doors:
    """The two doors of one process over one store."""

    app: FastAPI
    grpc_server: grpc_server.GrpcServer
    store: ProfileStore


def open_store(settings: Settings) -> LmdbProfileStore:
    """The store in the data folder; the caller closes it."""
    return LmdbProfileStore(settings.data_dir, settings.store_size_max_mib * MIB)


def open_lake(settings: Settings, release_id: str | None) -> tuple[Catalog, lake.Release]:
    """The lake's catalog and one release, the newest by default; raises `LakeUnavailable`, `NothingPublished`."""
    where = settings.lake()
    try:
        catalog = lake.open_catalog(where)
        release = lake.release(catalog, release_id) if release_id else lake.latest_release(catalog)
    except ShopSphereError:
        raise
    except Exception as error:  # every catalog has errors of its own, and their texts may hold its password
        raise LakeUnavailable(
            f"the lake does not answer ({type(error).__name__}); check SHOPSPHERE_LAKE_* and try again"
        ) from error
    if release is None:
        raise NothingPublished("the lake has no release yet; run `python -m transform` first")
    return catalog, release


def open_access(settings: Settings, clock: Clock) -> DashboardAccess:
    """Codes and sessions of the dashboard."""
    return DashboardAccess(
        codes=FileSignInCodes(settings.data_dir / "signin"),
        sessions=Sessions(
            session_key(settings),
            timedelta(seconds=settings.session_lifetime_seconds),
            FileEndedSessions(settings.data_dir / "signed-out"),
        ),
        clock=clock,
        code_lifetime=timedelta(seconds=settings.signin_code_lifetime_seconds),
        dashboard_url=settings.dashboard_url(),
    )


def lookup_key(settings: Settings) -> bytes:
    """The key of the lookup digests."""
    return _key(settings, settings.lookup_key, "lookup-key")


def session_key(settings: Settings) -> bytes:
    """The key of sessions, form tokens and page tokens."""
    return _key(settings, settings.session_key, "session-key")


def build_doors(settings: Settings, store: ProfileStore, clock: Clock | None = None) -> Doors:
    """REST with the dashboard, and gRPC, answering from the same directory."""
    time = clock or SystemClock()
    verifier = TokenVerifier(settings.auth, time)
    directory = CustomerDirectory(store, lookup_key(settings), PageTokens(session_key(settings)))
    access = open_access(settings, time)
    readiness = Readiness()
    readiness.add("generation", directory.check)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        access.sweep()
        watcher = asyncio.create_task(watch(store, settings.current_poll_seconds))
        yield
        watcher.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watcher

    app = http.create_app(
        service="customer360",
        version=VERSION,
        verifier=verifier,
        readiness=readiness,
        settings=settings.http,
        lifespan=lifespan,
    )
    app.include_router(rest.customers(directory))
    app.include_router(rest.signin_codes(access))
    app.mount("/dashboard", dashboard.create(directory, access))
    server = grpc_server.create_server(
        service="customer360",
        servicers=[(pb_grpc.add_CustomerServiceServicer_to_server, rpc.CustomerService(directory, verifier))],
        names=(rpc.SERVICE_NAME,),
        verifier=verifier,
        scopes=rpc.SCOPES,
        host=settings.http.host,
        port=settings.grpc_port,
        timeout_seconds=settings.http.request_timeout_seconds,
    )
    return Doors(app, server, store)


async def watch(store: ProfileStore, poll_seconds: float) -> None:
    """Take up each new generation; a switch that fails is tried again at the next look."""
    report(store)
    while True:
        await asyncio.sleep(poll_seconds)
        try:
            if store.refresh():
                metrics.SWITCHES.inc()
                report(store)
        except Exception as error:  # noqa: BLE001 - the generation in use goes on serving whatever the new one is like
            _log.error("cannot take up the new generation", exc_info=error)


def report(store: ProfileStore) -> None:
    """Say in the log and the metrics which release is served."""
    try:
        info = store.current().info
    except NothingLoaded:
        _log.warning("nothing is loaded yet")
        return
    metrics.PROFILES.set(info.profiles)
    metrics.RELEASE_PUBLISHED.set(info.release.created_at.timestamp())
    _log.info("serving release", release_id=info.release.release_id, profiles=info.profiles)


def _key(settings: Settings, configured: SecretStr | None, name: str) -> bytes:
    # The settings let a key be missing in development only; there each data folder has its own.
    return configured.get_secret_value().encode() if configured else kept_key(settings.data_dir / "keys" / name)
