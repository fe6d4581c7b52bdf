"""Every process of the local stack: the four servers, and the services that need them."""

import sys
from dataclasses import dataclass
from pathlib import Path

from shopsphere_local import environment
from shopsphere_local.ports import Ports
from shopsphere_local.process import Probe, ProcessSpec
from shopsphere_local.servers import kafka, mongo, postgres, redis
from shopsphere_local.servers.probes import GroupJoined, http_ok
from shopsphere_local.settings import inherited_environment
from shopsphere_local.state import State

# Another writer owns the tables (services/ingest/README.md); two that start again would fence each other in turns.
INGEST_FENCED = 4


@dataclass(frozen=True)
class _Service:
    """A service process: `python -m <service> <verb>`."""

    service: str
    verb: str
    depends_on: tuple[str, ...]
    ready: Probe


def servers(state: State, ports: Ports, *, cache: Path | None = None) -> list[ProcessSpec]:
    """Return the processes that hold data; `cache` holds Kafka's jars, by default the state folder's own."""
    data, logs, passwords = state.data, state.logs, state.credentials()
    return [
        postgres.spec(
            data=data / "postgres",
            log=logs / "postgres.log",
            port=ports.postgres,
            password=passwords.postgres_password,
        ),
        mongo.spec(data=data / "mongo", log=logs / "mongo.log", port=ports.mongo),
        kafka.spec(
            data=data / "kafka",
            log=logs / "kafka.log",
            cache=cache or state.cache,
            port=ports.kafka,
            controller_port=ports.kafka_controller,
        ),
        redis.spec(data=data / "redis", log=logs / "redis.log", port=ports.redis, password=passwords.redis_password),
    ]


def services(state: State, ports: Ports) -> list[ProcessSpec]:
    """Return the processes of the platform itself."""
    broker = kafka.bootstrap(ports.kafka)

    def alive(port: int) -> Probe:
        # Alive, not ready: before the first release or model a service is up and says on /readyz what it lacks.
        return http_ok(port, "/healthz")

    def consuming(group: str) -> GroupJoined:
        return GroupJoined(broker, group)

    sources, stream = ("postgres", "mongo", "kafka"), ("kafka", "redis")
    table = {
        "ingest": _Service("ingest", "run", sources, alive(ports.ingest_rest)),
        "inventory-serve": _Service("inventory", "serve", ("redis",), alive(ports.inventory_rest)),
        "inventory-stream": _Service("inventory", "stream", stream, consuming(environment.INVENTORY_GROUP)),
        "fraud-serve": _Service("fraud", "serve", stream, alive(ports.fraud_rest)),
        "fraud-stream": _Service("fraud", "stream", stream, consuming(environment.FRAUD_GROUP)),
        "customer360-serve": _Service("customer360", "serve", (), alive(ports.customer360_rest)),
    }
    return [_spec(name, service, state, ports) for name, service in table.items()]


def everything(state: State, ports: Ports) -> list[ProcessSpec]:
    """Return servers and services."""
    return [*servers(state, ports), *services(state, ports)]


def _spec(name: str, service: _Service, state: State, ports: Ports) -> ProcessSpec:
    return ProcessSpec(
        name=name,
        argv=(sys.executable, "-m", service.service, service.verb),
        log=state.logs / f"{name}.log",
        env=inherited_environment() | environment.of_service(service.service, state, ports),
        cwd=state.root,
        depends_on=service.depends_on,
        ready=service.ready,
        final_exit_codes=frozenset({INGEST_FENCED}) if service.service == "ingest" else frozenset(),
        prepare=service.ready.remember if isinstance(service.ready, GroupJoined) else None,
    )
