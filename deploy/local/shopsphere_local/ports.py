"""The port plan of the local stack: every port is an offset from one base."""

import socket
from dataclasses import dataclass, fields

LOOPBACK = "127.0.0.1"
# Below the ports that systems hand out by themselves (from 32768 on Linux), so that nobody is given one by chance.
_OTHER_BASES_START, _OTHER_BASES_END, _PLAN_WIDTH = 20_000, 32_000, 50


@dataclass(frozen=True)
class Ports:
    """A TCP port on 127.0.0.1 for each door of the stack."""

    postgres: int
    mongo: int
    kafka: int
    kafka_controller: int
    redis: int
    inventory_rest: int
    inventory_grpc: int
    fraud_rest: int
    fraud_grpc: int
    customer360_rest: int
    customer360_grpc: int
    ingest_rest: int

    @classmethod
    def from_base(cls, base: int) -> "Ports":
        """Return the plan whose ports start just above `base`."""
        offsets = (1, 2, 3, 4, 5, 10, 11, 20, 21, 30, 31, 40)
        return cls(*(base + offset for offset in offsets))

    @classmethod
    def free(cls) -> "Ports":
        """Return ports that nobody listens on right now, for tests."""
        return cls(*free_ports(len(fields(cls))))

    def items(self) -> dict[str, int]:
        """Return name → port."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


def free_ports(count: int) -> list[int]:
    """Return that many distinct ports that nobody listens on right now."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for listener in sockets:
            listener.bind((LOOPBACK, 0))
        return [listener.getsockname()[1] for listener in sockets]
    finally:
        for listener in sockets:
            listener.close()


def is_taken(port: int) -> bool:
    """Say whether somebody accepts connections on the port."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((LOOPBACK, port)) == 0


def free_port_base() -> int:
    """Return a base whose whole plan nobody listens on right now, for a second stack beside the usual one."""
    for base in range(_OTHER_BASES_START, _OTHER_BASES_END, _PLAN_WIDTH):
        if not any(is_taken(port) for port in Ports.from_base(base).items().values()):
            return base
    raise OSError("no free range of ports below 32000")
