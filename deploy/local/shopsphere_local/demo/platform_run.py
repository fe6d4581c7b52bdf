"""The walk of the demo: sources, ingest, stock, transform, fraud, profiles, doors, step by step."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Protocol

from shopsphere_kit import topics
from shopsphere_kit.clock import Clock
from shopsphere_kit.settings import AuthSettings
from shopsphere_kit.waiting import await_until

from shopsphere_local import environment
from shopsphere_local.demo.broker import lag, topic_records
from shopsphere_local.demo.checkout import Checkout, scoring_start
from shopsphere_local.demo.endpoints import check_endpoints, profile_store
from shopsphere_local.journey import Journey, open_connections
from shopsphere_local.servers import kafka, mongo, postgres
from shopsphere_local.stack import Job, Stack

_DRAIN_SECONDS = 600.0
# Everything the demo's own calls need; a real client gets less.
ALL_SCOPES = (
    "inventory.availability.read",
    "inventory.reservations.read",
    "inventory.reservations.write",
    "fraud.score.write",
    "fraud.model.read",
    "customer360.profiles.read",
    "customer360.lookup.read",
    "customer360.personal.read",
    "customer360.dashboard.write",
)


class Progress(Protocol):
    """Shows a step on the screen and measures it."""

    def step(self, name: str, says: str, *, counted: bool = False) -> Any:
        """A context manager whose value is called with (done, total)."""
        ...

    @property
    def seconds(self) -> dict[str, float]:
        """Seconds per finished step."""
        ...


@dataclass
class PlatformRun:
    """One walk of the demo; what it leaves behind is read back by the report."""

    stack: Stack
    days: int
    progress: Progress
    clock: Clock
    endpoints: dict[str, dict[str, str]] = field(default_factory=dict)
    profile_store: dict[str, Any] = field(default_factory=dict)
    jobs: dict[str, Job] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Derive the addresses of the sources."""
        passwords = self.stack.state.credentials()
        self.dsn = postgres.dsn(self.stack.ports.postgres, passwords.postgres_password)
        self.mongo_uri = mongo.uri(self.stack.ports.mongo)
        self.bootstrap = kafka.bootstrap(self.stack.ports.kafka)
        self.truth = self.stack.state.root / "truth" / "fraudulent-orders.csv"
        self.stock_by_key = self.stack.state.run / "stock-by-key.jsonl"
        self.journey = Journey(self.days)

    async def walk(self) -> None:
        """All steps, in order."""
        await self._servers()
        await self._sources()
        await self._replay()
        await self._bronze("bronze")
        await self._job("transform", "Building silver and gold, publishing one release", "transform", "run")
        await self._fraud()
        await self._customer360()
        with self.progress.step("endpoints", "Asking every door over REST and gRPC"):
            since = scoring_start(self.days)
            self.endpoints = await check_endpoints(self.stack, self.token(*ALL_SCOPES), self.dsn, since)
            self.profile_store = await profile_store(self.stack, self.token("customer360.profiles.read"))
        keys = ("--keys", str(self.stock_by_key))
        await self._job("audit", "Auditing stock against its journal", "inventory", "audit", *keys)
        await self._job("reconcile", "Comparing stock with the lake's release", "inventory", "reconcile")
        await self._job("rescore", "Scoring the same orders offline", "fraud", "rescore", "--since", self._since())

    async def _servers(self) -> None:
        with self.progress.step("servers", "Starting Postgres, MongoDB, Kafka and Redis"):
            await self.stack.start(["postgres", "mongo", "kafka", "redis"])

    async def _sources(self) -> None:
        with self.progress.step("seed", "Seeding customers, products and stores; starting ingest and stock"):
            await asyncio.to_thread(self.journey.seed_sources, self.dsn, self.mongo_uri, self.bootstrap)
            await asyncio.to_thread(self.journey.write_truth, self.truth)
            await self.stack.start(["ingest", "inventory-stream", "inventory-serve"])

    async def _replay(self) -> None:
        with self.progress.step("replay", f"Replaying {self.days} days into the three sources", counted=True) as tick:
            await asyncio.to_thread(self._replay_days, tick)

    def _replay_days(self, tick: Callable[[int, int], None]) -> None:
        with open_connections(self.dsn, self.mongo_uri, self.bootstrap) as connections:
            for number, day in enumerate(self.journey.days(), start=1):
                self.journey.replay_day(day, connections)
                tick(number, self.days)

    async def _bronze(self, name: str) -> None:
        await self._job(name, "Waiting until bronze holds all of it", "ingest", "wait")

    async def _job(self, name: str, says: str, service: str, *arguments: str) -> None:
        with self.progress.step(name, says):
            self.jobs[name] = await self.stack.run_job(["-m", service, *arguments], service, name=name)

    async def _fraud(self) -> None:
        until = self._since()
        await self._job("train", "Training the fraud model on the days before", "fraud", "train", "--until", until)
        with self.progress.step("warm", "Loading history into Redis and starting the fraud service"):
            await self.stack.run_job(["-m", "fraud", "warm", "--until", until], "fraud", name="warm")
            await self.stack.start(["fraud-serve", "fraud-stream"])
            await self.stack.until_ready("fraud")
            await self._drained(environment.FRAUD_GROUP, topics.FRAUD_LABELS.name)
        with self.progress.step(
            "checkout", "Scoring the last days' web orders as checkout would", counted=True
        ) as tick:
            checkout = Checkout(f"http://127.0.0.1:{self.stack.rest_port('fraud')}", self.token("fraud.score.write"))
            since = scoring_start(self.days)
            scored = await asyncio.to_thread(checkout.score_all, self.dsn, since, tick)
            await self._arrived(topics.FRAUD_DECISIONS.name, scored)
        await self._bronze("decisions")

    async def _customer360(self) -> None:
        await self._job("profiles", "Loading the release into the profile store", "customer360", "load")
        with self.progress.step("serve", "Starting Customer 360, draining the stock movements"):
            await self.stack.start(["customer360-serve"])
            await self.stack.until_ready("customer360")
            await self.stack.until_ready("inventory")
            await self._drained(environment.INVENTORY_GROUP, topics.STOCK_MOVEMENTS.name)

    async def _arrived(self, topic: str, records: int) -> None:
        async def arrived() -> bool:
            return await asyncio.to_thread(topic_records, self.bootstrap, topic) >= records

        await await_until(arrived, deadline_seconds=_DRAIN_SECONDS, what=f"{records} records on {topic}")

    async def _drained(self, group: str, topic: str) -> None:
        async def drained() -> bool:
            return await asyncio.to_thread(lag, self.bootstrap, group, topic) == 0

        await await_until(drained, deadline_seconds=_DRAIN_SECONDS, what=f"{group} to reach the end of {topic}")

    def _since(self) -> str:
        return scoring_start(self.days).isoformat()

    def token(self, *scopes: str) -> str:
        """An access token of the development key, valid for an hour."""
        settings = AuthSettings(jwks_file=self.stack.state.jwks_file, jwks_url=None)
        lifetime = timedelta(hours=1)
        return self.stack.state.dev_key().mint(scopes, settings=settings, now=self.clock.now(), lifetime=lifetime)
