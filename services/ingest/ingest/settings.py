"""Every knob of ingest; nothing else reads the environment."""

from typing import Literal, Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from shopsphere_kit import topics
from shopsphere_kit.settings import (
    AuthSettings,
    HttpSettings,
    KafkaSettings,
    LakeSettings,
    RuntimeSettings,
    SuppressionSettings,
    password_in,
    refuse_placeholders,
)

from ingest.batch import BATCH_BYTES
from ingest.envelope import VALUE_BYTES_MAX
from ingest.sources.mongo_rows import DOCUMENT_BYTES
from ingest.tables import kafka_table, mongo_table

SourceKind = Literal["postgres", "mongo", "kafka"]


def _lake() -> LakeSettings:
    return LakeSettings()  # pydantic-settings fills the required fields from the environment


class Settings(BaseSettings):
    """INGEST_* and the shared blocks."""

    model_config = SettingsConfigDict(env_prefix="INGEST_")

    sources: list[SourceKind] = Field(
        ["postgres", "mongo", "kafka"], description="which systems to read, as a JSON list"
    )
    postgres_dsn: SecretStr | None = Field(None, description="libpq address of the database, with REPLICATION right")
    postgres_publication: str = Field("shopsphere", description="publication to follow; made when missing")
    postgres_slot: str = Field("shopsphere_ingest", description="logical replication slot; made when missing")
    postgres_copies: int = Field(2, ge=1, description="tables that are copied beside each other at first")
    postgres_slot_lag_bytes_max: int = Field(
        2**30, ge=1, description="log that the server may keep for the slot before the alarm, bytes"
    )
    mongo_uri: SecretStr | None = Field(None, description="address of the MongoDB replica set")
    mongo_database: str = Field("marketplace", description="MongoDB database")
    mongo_collections: list[str] = Field(["marketplace_orders"], description="collections to follow, as a JSON list")
    mongo_document_bytes_max: int = Field(
        DOCUMENT_BYTES, ge=1, description="documents of MongoDB over so many bytes go to quarantine"
    )
    kafka_topics: list[str] = Field(
        [
            topics.EVENTS.name,
            topics.STOCK_MOVEMENTS.name,
            topics.FRAUD_DECISIONS.name,
            topics.FRAUD_LABELS.name,
        ],
        description="topics to read, as a JSON list",
    )
    kafka_value_bytes_max: int = Field(
        VALUE_BYTES_MAX, ge=1, description="a Kafka record whose value is larger goes to quarantine undecoded, bytes"
    )
    kafka_skip_expired: bool = Field(
        False, description="go on when retention removed records that were never read, instead of stopping the topic"
    )
    batch_rows: int = Field(50_000, ge=1, description="a commit is cut after about so many rows")
    batch_bytes: int = Field(BATCH_BYTES, ge=1, description="a commit is cut after about so many bytes read")
    batch_seconds: float = Field(1.0, gt=0, description="a commit is cut so long after its first row, seconds")
    stop_seconds: float = Field(30.0, gt=0, description="time for the last commits after SIGTERM, seconds")
    rest_port: int = Field(18040, description="port of /healthz, /readyz and /metrics; 0 for any")

    runtime: RuntimeSettings = Field(default_factory=RuntimeSettings)
    suppression: SuppressionSettings = Field(default_factory=SuppressionSettings)
    auth: AuthSettings = Field(default_factory=AuthSettings)
    lake: LakeSettings = Field(default_factory=_lake)
    kafka: KafkaSettings = Field(default_factory=KafkaSettings)
    http: HttpSettings = Field(default_factory=HttpSettings)

    @model_validator(mode="after")
    def _one_source_per_table(self) -> Self:
        for name, sources, table in (
            ("INGEST_KAFKA_TOPICS", self.kafka_topics, kafka_table),
            ("INGEST_MONGO_COLLECTIONS", self.mongo_collections, mongo_table),
        ):
            taken: dict[str, str] = {}
            for source in sources:
                if (other := taken.setdefault(table(source), source)) != source or sources.count(source) > 1:
                    raise ValueError(f"{name}: {other} and {source} would both be {table(source)}; leave one out")
        return self

    @model_validator(mode="after")
    def _real_secrets(self) -> Self:
        # A key-value DSN has its password elsewhere (a password file, say), so only addresses are looked into.
        secrets = {"INGEST_POSTGRES_DSN": self.postgres_dsn, "INGEST_MONGO_URI": self.mongo_uri}
        given = {name: value for name, value in secrets.items() if value and "://" in value.get_secret_value()}
        refuse_placeholders(self.runtime.environment, {name: password_in(value) for name, value in given.items()})
        return self
