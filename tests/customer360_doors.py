"""Both doors of Customer 360 over a store in memory, as callers with tokens see them."""

import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import grpc
import httpx
from customer360 import contact
from customer360.bootstrap import Doors, build_doors, open_access
from customer360.profile import Person, ReleaseStamp, tombstone
from customer360.settings import Settings
from customer360.store import CustomerRecord, InMemoryProfileStore, ProfileStore
from customer360_builders import DELETED, MARIA, NOAH, STAMP, a_profile, an_entry, an_overview
from pydantic import SecretStr
from shopsphere.customer360.v1 import customer360_pb2_grpc as pb_grpc
from shopsphere_kit.auth import DevKey
from shopsphere_kit.clock import ManualClock
from shopsphere_kit.settings import AuthSettings

KEY = b"a lookup key of the tests, 32 characters or more"
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
READ = "customer360.profiles.read"
LOOKUP = "customer360.lookup.read"
PERSONAL = "customer360.personal.read"
BASE = "http://dashboard.test"


def fill(store: ProfileStore, stamp: ReleaseStamp = STAMP, entries: int = 5) -> None:
    """Publish a generation with Maria, Noah, who shares her phone, and somebody deleted."""
    timeline = [an_entry(day, f"10{day:02}") for day in range(entries, 0, -1)]
    maria = a_profile(MARIA, timeline_count=entries)
    noah = a_profile(NOAH, person=Person(first_name="Noah", email="noah@example.com"))
    shared = contact.phone_digest(KEY, "+12065550142")
    with store.writer(stamp, contact.key_fingerprint(KEY)) as writer:
        writer.add(
            [
                CustomerRecord(maria, timeline, {contact.email_digest(KEY, "maria@example.com"), shared}),
                CustomerRecord(noah, (), {contact.email_digest(KEY, "noah@example.com"), shared}),
                CustomerRecord(tombstone(DELETED)),
            ]
        )
        writer.publish(an_overview())


def hidden_fields(page: httpx.Response) -> dict[str, str]:
    """What the page's forms carry, by name."""
    return dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page.text))


@dataclass
class Open:
    """Doors that are open, and what a test turns or looks at."""

    rest: httpx.AsyncClient
    channel: grpc.aio.Channel
    store: InMemoryProfileStore
    clock: ManualClock
    settings: Settings
    mint: Callable[..., str]

    def headers(self, *scopes: str) -> dict[str, str]:
        """The Authorization header of a caller with the scopes."""
        return {"authorization": f"Bearer {self.mint(*scopes)}"}

    @property
    def stub(self) -> pb_grpc.CustomerServiceStub:
        """The gRPC client."""
        return pb_grpc.CustomerServiceStub(self.channel)

    def code(self, *scopes: str) -> str:
        """A one-time sign-in code."""
        return open_access(self.settings, self.clock).mint(scopes)[0]

    async def sign_in(self, *scopes: str) -> httpx.Response:
        """Follow a sign-in link as somebody with the scopes, and press the button of its page."""
        page = await self.rest.get("/dashboard/signin", params={"code": self.code(*scopes)})
        return await self.rest.post("/dashboard/signin", data=hidden_fields(page))


@asynccontextmanager
async def both_doors(folder: Path, *, loaded: bool = True) -> AsyncIterator[Open]:
    """REST in the process and gRPC on a free port."""
    key, clock, store = DevKey.generate(), ManualClock(NOW), InMemoryProfileStore()
    (folder / "jwks.json").write_text(key.jwks())
    auth = AuthSettings(jwks_file=folder / "jwks.json")
    key_of_lookups = SecretStr(KEY.decode())
    settings = Settings(data_dir=folder / "data", grpc_port=0, auth=auth, public_url=BASE, lookup_key=key_of_lookups)
    if loaded:
        fill(store)
    doors: Doors = build_doors(settings, store, clock)
    await doors.grpc_server.start()
    port = doors.grpc_server.bound_port
    transport = httpx.ASGITransport(app=doors.app, raise_app_exceptions=False)
    async with (
        httpx.AsyncClient(transport=transport, base_url=BASE) as rest,
        grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel,
    ):

        def mint(*scopes: str) -> str:
            return key.mint(scopes, settings=auth, now=clock.now(), client_id="tests")

        yield Open(rest, channel, store, clock, settings, mint)
    await doors.grpc_server.stop(None)


def next_release(number: int) -> ReleaseStamp:
    """A later release."""
    return replace(STAMP, release_id=f"R20170312T00000{number}Z-abc123")
