"""Makes the Kafka topics of `shopsphere_kit.topics` that are missing, and exits; run by the compose job `topics`.

The broker makes no topic by itself, so this list stays the only place where one is named.
"""

# ruff: noqa: INP001 - a program of its own, and no package
import sys
from collections.abc import Iterable, Sequence

from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic
from shopsphere_kit import topics
from shopsphere_kit.settings import KafkaSettings

ANSWER_SECONDS = 30.0
# One broker can keep one copy.
REPLICATION_FACTOR = 1


def missing(wanted: Iterable[topics.Topic], present: Iterable[str]) -> list[topics.Topic]:
    """The wanted topics that are not there yet."""
    names = set(present)
    return [topic for topic in wanted if topic.name not in names]


def make(admin: AdminClient, wanted: Sequence[topics.Topic]) -> list[str]:
    """Make what is missing and return the names; raises KafkaException."""
    new = missing(wanted, admin.list_topics(timeout=ANSWER_SECONDS).topics)
    requests = [NewTopic(topic.name, topic.partitions, REPLICATION_FACTOR) for topic in new]
    for answer in admin.create_topics(requests).values() if requests else ():
        answer.result(ANSWER_SECONDS)
    return [topic.name for topic in new]


def main() -> None:
    """Make the topics on the broker of SHOPSPHERE_KAFKA_BOOTSTRAP_SERVERS."""
    made = make(AdminClient({"bootstrap.servers": KafkaSettings().bootstrap_servers}), topics.ALL)
    sys.stdout.write(f"made: {', '.join(made) or 'nothing, all are there'}\n")


if __name__ == "__main__":
    main()
