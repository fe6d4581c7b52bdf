"""Readiness probes: a process is ready when it answers a real request of its own protocol."""

import asyncio
import contextlib
from collections.abc import Callable

import httpx
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from shopsphere_local.ports import LOOPBACK
from shopsphere_local.process import Probe

_HTTP_SECONDS = 5.0
_KAFKA_SECONDS = 5.0


def in_thread(question: Callable[[], bool]) -> Probe:
    """Return a probe that asks a blocking client without holding up the event loop."""

    async def probe() -> bool:
        return await asyncio.to_thread(question)

    return probe


def quietly(probe: Probe) -> Probe:
    """Return the probe with every exception of a client library read as: not yet."""

    async def quiet() -> bool:
        try:
            return await probe()
        except Exception:  # noqa: BLE001 - clients throw all sorts at a server that is not there yet
            return False

    return quiet


def http_ok(port: int, path: str) -> Probe:
    """Return a probe that wants status 200 from a path on a local port."""

    async def probe() -> bool:
        # trust_env off: a proxy of the environment has no business with the loopback.
        async with httpx.AsyncClient(timeout=_HTTP_SECONDS, trust_env=False) as client:
            return (await client.get(f"http://{LOOPBACK}:{port}{path}")).status_code == httpx.codes.OK

    return probe


class GroupJoined:
    """Wants a consumer of the group to hold partitions: a stream worker has no door to ask.

    After a restart the broker still remembers the worker's former life for some seconds, so `remember` is called before
    the start, and only a member that was not there then counts.
    """

    def __init__(self, bootstrap_servers: str, group: str) -> None:
        self._bootstrap_servers = bootstrap_servers
        self._group = group
        self._former: frozenset[str] = frozenset()

    def remember(self) -> None:
        """Take note of who is in the group now."""
        # A broker that was just made knows no group and nobody who coordinates it.
        with contextlib.suppress(KafkaException):
            self._former = self._members()

    async def __call__(self) -> bool:
        """Say whether a new member holds partitions."""
        return bool(await asyncio.to_thread(self._members) - self._former)

    def _members(self) -> frozenset[str]:
        admin = AdminClient({"bootstrap.servers": self._bootstrap_servers, "log_level": 0})
        described = admin.describe_consumer_groups([self._group], request_timeout=_KAFKA_SECONDS)[self._group]
        return frozenset(m.member_id for m in described.result().members if m.assignment.topic_partitions)
