from typing import Any

import psycopg
import pytest
import redis
from confluent_kafka import Consumer, Producer, TopicPartition
from pymongo import MongoClient
from pymongo.collection import Collection
from shopsphere_kit import lake, topics
from shopsphere_kit.settings import LakeSettings
from shopsphere_local.servers import kafka

pytestmark = pytest.mark.servers


def test_postgres_accepts_logical_replication_and_asks_for_a_password(postgres_dsn: str) -> None:
    with psycopg.connect(postgres_dsn) as connection:
        assert connection.execute("show wal_level").fetchone() == ("logical",)
        assert connection.execute("show server_encoding").fetchone() == ("UTF8",)
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(postgres_dsn, password="wrong")


def test_mongo_streams_a_change(mongo_uri: str) -> None:
    client: MongoClient[dict[str, Any]]
    with MongoClient(mongo_uri) as client:
        orders: Collection[dict[str, Any]] = client["local_servers"]["orders"]
        with orders.watch(max_await_time_ms=1000) as stream:
            orders.insert_one({"_id": "MP-1"})
            assert stream.next()["fullDocument"] == {"_id": "MP-1"}


def test_kafka_has_the_topics_and_makes_no_others(kafka_bootstrap: str) -> None:
    kafka.make_topics(kafka_bootstrap, topics.ALL)
    metadata = Producer({"bootstrap.servers": kafka_bootstrap}).list_topics(timeout=10)
    assert {topic.name: len(metadata.topics[topic.name].partitions) for topic in topics.ALL} == {
        topic.name: topic.partitions for topic in topics.ALL
    }


def test_kafka_returns_what_was_sent(kafka_bootstrap: str) -> None:
    kafka.make_topics(kafka_bootstrap, (topics.Topic("local-servers", keyed_by="nothing", partitions=1),))
    producer = Producer({"bootstrap.servers": kafka_bootstrap})
    producer.produce("local-servers", b"value", b"key")
    assert producer.flush(10) == 0
    consumer = Consumer({"bootstrap.servers": kafka_bootstrap, "group.id": "local-servers"})
    consumer.assign([TopicPartition("local-servers", 0, 0)])
    message = consumer.poll(10)
    consumer.close()
    assert message is not None
    assert (message.key(), message.value()) == (b"key", b"value")


def test_redis_writes_through_and_asks_for_a_password(redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        assert client.config_get("appendfsync")["appendfsync"] == "always"
        assert client.config_get("appendonly")["appendonly"] == "yes"
    wrong = redis_url.replace("redis://:", "redis://:x")
    with redis.Redis.from_url(wrong) as stranger, pytest.raises(redis.AuthenticationError):
        stranger.ping()


def test_the_lake_of_a_test_holds_tables(lake_settings: LakeSettings) -> None:
    catalog = lake.open_catalog(lake_settings)
    catalog.create_namespace("bronze")
    assert catalog.list_namespaces() == [("bronze",)]
