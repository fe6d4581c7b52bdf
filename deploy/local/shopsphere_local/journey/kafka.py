"""Writes the topics: creates them from the typed list and produces a day's records in their order."""

from collections.abc import Iterable
from typing import Final

from confluent_kafka import KafkaError, KafkaException, Message, Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic
from shopsphere_kit import topics
from shopsphere_kit.errors import Unavailable

from shopsphere_local.journey import messages

# The partitioner of the Java clients, so that every producer puts a key into the same partition. Records carry the
# broker's time, not 2017's, which a broker's retention would delete at once.
PRODUCER_SETTINGS: Final[dict[str, str | int | float | bool]] = {
    "acks": "all",
    "enable.idempotence": True,
    "linger.ms": 20,
    "compression.type": "lz4",
    "partitioner": "murmur2_random",
    "log_level": 3,
}
_TIMEOUT_SECONDS: Final = 30.0
# librdkafka's queue takes 100,000 records; reports are collected long before it is full.
_POLL_EVERY: Final = 5_000


def create_topics(admin: AdminClient) -> None:
    """Create every topic of the platform that is not there yet; one replica, as on a single broker."""
    wanted = [NewTopic(topic.name, topic.partitions, replication_factor=1) for topic in topics.ALL]
    for future in admin.create_topics(wanted, operation_timeout=_TIMEOUT_SECONDS).values():
        try:
            future.result()
        except KafkaException as error:
            if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise


def write_day(producer: Producer, records: Iterable[messages.Message]) -> None:
    """Produce the records and wait until the broker has acknowledged all of them; raises Unavailable otherwise."""
    failures: list[KafkaError] = []

    def delivered(error: KafkaError | None, _record: Message) -> None:
        if error is not None:
            failures.append(error)

    for count, record in enumerate(records):
        producer.produce(record.topic, value=record.value, key=record.key, on_delivery=delivered)
        if count % _POLL_EVERY == 0:
            producer.poll(0)
    flush(producer)
    if failures:
        raise Unavailable(f"the broker refused {len(failures)} records, first: {failures[0].str()}")


def flush(producer: Producer) -> None:
    """Wait for every record in flight; raises Unavailable when the broker does not answer."""
    left = producer.flush(_TIMEOUT_SECONDS)
    if left:
        raise Unavailable(f"the broker has not acknowledged {left} records; see its log file")
