"""Every knob of the fraud service, from the environment; nothing else reads it."""

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


class Settings(BaseSettings):
    """FRAUD_* and the blocks that all services share; thresholds and limits must be the same when rescoring."""

    model_config = SettingsConfigDict(
        env_prefix="FRAUD_", protected_namespaces=(), populate_by_name=True, hide_input_in_errors=True
    )

    runtime: RuntimeSettings = Field(default_factory=RuntimeSettings)
    auth: AuthSettings = Field(default_factory=AuthSettings)
    http: HttpSettings = Field(default_factory=HttpSettings)
    kafka: KafkaSettings = Field(default_factory=KafkaSettings)

    rest_port: int = Field(18020, description="port of the REST door")
    grpc_port: int = Field(18021, description="port of the gRPC door")
    redis_url: SecretStr = Field(
        SecretStr("redis://127.0.0.1:6379/1"),
        validation_alias=AliasChoices("FRAUD_REDIS_URL", "SHOPSPHERE_REDIS_URL"),
        description="Redis 7.2 or newer with password and database: redis://:password@host:port/1",
    )
    model_dir: Path = Field(Path("var/fraud/models"), description="folder of trained models and the pointer `current`")
    data_dir: Path = Field(Path("var/fraud/stream"), description="scratch folder of the label stream")
    stream_app_id: str = Field(
        "fraud-labels-worker", description="Kafka consumer group of the label workers; a new one reads all labels again"
    )
    stream_instance: str = Field("fraud-0", description="name of this label worker, unique among them")
    # Long enough for a machine that does everything else too; a shop's own would do with a twentieth.
    velocity_timeout_milliseconds: int = Field(
        1_000, gt=0, description="time one call to Redis may take before rules decide alone"
    )
    velocity_pause_milliseconds: int = Field(
        1_000, ge=0, description="time for which Redis is left alone after a call that failed; 0: never"
    )
    # Features look back 30 days; the rest lets orders that are two months late be scored exactly.
    history_retention_days: int = Field(90, ge=31, description="days for which Redis keeps what it recorded")
    model_poll_seconds: float = Field(2.0, gt=0, description="time between looks at the pointer `current`")

    review_score: float = Field(0.3, ge=0, le=1, description="score from which an order is reviewed")
    block_score: float = Field(0.8, ge=0, le=1, description="score from which an order is blocked")
    # Scenario 1 of the Fraud Detection Handbook's simulator calls every amount over 220 fraud.
    review_amount_minor: int = Field(22_000, gt=0, description="amount above which an order is reviewed, cents")
    block_amount_minor: int = Field(100_000, gt=0, description="amount above which an order is blocked, cents")
    card_orders_per_hour: int = Field(5, gt=0, description="orders of a card within an hour that ask for review")
    blocked_cards_file: Path | None = Field(None, description="file of blocked card tokens, one per line")

    label_delay_days: int = Field(7, ge=0, description="days before the split whose orders are too young to train on")

    @field_validator("redis_url")
    @classmethod
    def _an_address(cls, url: SecretStr) -> SecretStr:
        # What the standard library says of a malformed address quotes it, and the password with it.
        try:
            parts = urlsplit(url.get_secret_value())
            usable = parts.scheme in {"redis", "rediss"} and parts.hostname and parts.port != 0
        except ValueError:
            usable = False
        if not usable:
            raise ValueError("write redis://:password@host:port/1, the password in letters, digits, - and _")
        return url

    @model_validator(mode="after")
    def _real_secrets(self) -> Self:
        # Training needs no Redis, so it is not told one.
        told = self.redis_url if "redis_url" in self.model_fields_set else None
        refuse_placeholders(self.runtime.environment, {"FRAUD_REDIS_URL": password_in(told)})
        return self

    @staticmethod
    def lake() -> LakeSettings:
        """Read SHOPSPHERE_LAKE_*; serve and stream need none of it."""
        return read(LakeSettings)
