"""The other side of `ingest/kafka_events`: takes all messages of a topic with confluent-kafka and throws them away.

`bare_consumer.py BROKER TOPIC PARTITIONS READY DONE` prints a line after READY messages and one after DONE.
"""

import sys

from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition

# Tried 500, 5,000, 10,000 and 50,000: 500 takes a third of the others' CPU time, for its messages stay in the cache.
_MESSAGES_PER_CALL = 500


def main(broker: str, topic: str, partitions: int, ready: int, done: int) -> None:
    """Count messages up to `done`."""
    consumer = Consumer(
        {
            "bootstrap.servers": broker,
            "group.id": "bare",
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,
        }
    )
    consumer.assign([TopicPartition(topic, partition, OFFSET_BEGINNING) for partition in range(partitions)])
    seen = 0
    for wanted in (ready, done):
        while seen < wanted:
            seen += sum(1 for message in consumer.consume(_MESSAGES_PER_CALL, 0.05) if message.error() is None)
        print(seen, flush=True)
    consumer.close()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], *map(int, sys.argv[3:]))
