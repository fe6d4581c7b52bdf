"""Every knob of inventory; nothing else here reads the environment."""

from datetime import timedelta
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from pydantic import AliasChoices, Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from shopsphere_kit.settings import (
    AuthSettings,
    HttpSettings,
    KafkaSettings,
    LakeSettings,
    RuntimeSettings,
    password_in,
    read,
    refuse_placeholders,
)

from inventory.durability import Durability
from inventory.store import Retention


class Settings(BaseSettings):
    """INVENTORY_*, and the blocks that services share."""

    model_config = SettingsConfigDict(env_prefix="INVENTORY_", populate_by_name=True, hide_input_in_errors=True)

    rest_port: int = Field(18010, description="port of the REST door")
    grpc_port: int = Field(18011, description="port of the gRPC door")
    redis_url: SecretStr = Field(
        SecretStr("redis://127.0.0.1:6379/0"),
        validation_alias=AliasChoices("INVENTORY_REDIS_URL", "SHOPSPHERE_REDIS_URL"),
        description="redis://[:password@]host:port/database; Redis 7.2 or later, appendonly yes, noeviction",
    )
    durability: Durability = Field(
        Durability.ALWAYS, description="least that Redis must promise of an acknowledged change; none: do not look"
    )
    redis_timeout_seconds: float = Field(2.0, gt=0, description="longest wait for one answer of Redis")
    redis_connections_max: int = Field(64, ge=1, description="most connections of one process; more requests wait")
    start_deadline_seconds: float = Field(30.0, ge=0, description="how long a start waits for Redis and Kafka")
    idempotency_retention_seconds: int = Field(86_400, ge=1, description="how long a first answer is replayed")
    ended_hold_retention_seconds: int = Field(2_678_400, ge=1, description="how long an ended reservation can be read")
    watchers_max: int = Field(500, ge=0, le=900, description="most followers of changes of one process")
    watchers_per_client_max: int = Field(20, ge=0, description="most followers of changes of one client, per process")
    stream_app_id: str = Field("shopsphere-inventory", description="Kafka consumer group of the stream worker")
    stream_instance_id: str = Field("inventory-0", description="name of this worker within the group; one per worker")
    stream_datadir: Path = Field(Path("build/inventory-stream"), description="folder of this worker alone")
    stream_batch_records_max: int = Field(1000, ge=1, le=10_000, description="most records per function call")
    stream_batch_within_seconds: float = Field(0.05, gt=0, description="longest wait for a batch to fill")

    runtime: RuntimeSettings = Field(default_factory=RuntimeSettings)
    auth: AuthSettings = Field(default_factory=AuthSettings)
    kafka: KafkaSettings = Field(default_factory=KafkaSettings)
    http: HttpSettings = Field(default_factory=HttpSettings)

    @property
    def retention(self) -> Retention:
        """How long answers and ended holds are remembered."""
        return Retention(
            answers=timedelta(seconds=self.idempotency_retention_seconds),
            ended_holds=timedelta(seconds=self.ended_hold_retention_seconds),
        )

    @field_validator("redis_url")
    @classmethod
    def _an_address_of_redis(cls, url: SecretStr) -> SecretStr:
        # Checked here because the driver's own complaint quotes the address, and with it parts of the password.
        try:
            parts = urlsplit(url.get_secret_value())
            is_address = parts.scheme in ("redis", "rediss") and bool(parts.hostname) and parts.port != 0
        except ValueError:
            is_address = False
        if not is_address:
            raise ValueError("must be redis://[:password@]host:port/database, the password percent-encoded")
        return url

    @model_validator(mode="after")
    def _real_secrets(self) -> Self:
        refuse_placeholders(self.runtime.environment, {"INVENTORY_REDIS_URL": password_in(self.redis_url)})
        return self

    @staticmethod
    def lake() -> LakeSettings:
        """Read SHOPSPHERE_LAKE_*; serve and stream need none of it."""
        return read(LakeSettings)
