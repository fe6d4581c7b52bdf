"""A Kafka that comes and goes, for publishers."""

from collections.abc import Awaitable

from aiokafka.errors import KafkaConnectionError, KafkaTimeoutError
from shopsphere_kit.outbox import Producer


class Broker:
    """Keeps what it acknowledges; may be away altogether, or acknowledge only so many more records."""

    def __init__(self, patience: int = 1000) -> None:
        self.is_away, self.patience, self.connections = False, patience, 0
        self.records: list[tuple[str, bytes, bytes]] = []

    async def connect(self) -> Producer:
        if self.is_away:
            raise KafkaConnectionError("away")
        self.connections += 1
        return Connection(self)


class Connection:
    def __init__(self, broker: Broker) -> None:
        self.broker = broker

    async def send(self, topic: str, value: bytes, key: bytes) -> Awaitable[object]:
        async def acknowledge() -> None:
            if self.broker.is_away or self.broker.patience == 0:
                raise KafkaTimeoutError("no acknowledgement")
            self.broker.patience -= 1
            self.broker.records.append((topic, value, key))

        return acknowledge()

    async def stop(self) -> None:
        pass
