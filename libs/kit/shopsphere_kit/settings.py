"""The settings that more than one service has, as blocks each service's own Settings is composed of.

A block reads its own prefix, so that one variable (SHOPSPHERE_LAKE_WAREHOUSE, say) means the same thing to every
process. Only `settings.py` modules read the environment.
"""

import re
import sys
from enum import StrEnum
from pathlib import Path
from typing import Self, TypeVar
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from shopsphere_kit.errors import InvalidArgument
from shopsphere_kit.suppression import KEY_BYTES_MIN

# Words that stand where a secret should be; a process outside development refuses to start with one of them.
PLACEHOLDERS = frozenset({"", "change-me", "changeme", "secret", "password", "placeholder"})


class Environment(StrEnum):
    """Where a process runs."""

    DEV = "dev"
    PROD = "prod"


class RuntimeSettings(BaseSettings):
    """SHOPSPHERE_ENVIRONMENT and SHOPSPHERE_LOG_LEVEL."""

    model_config = SettingsConfigDict(env_prefix="SHOPSPHERE_", hide_input_in_errors=True)

    environment: Environment = Field(Environment.DEV, description="dev or prod; prod refuses placeholder secrets")
    log_level: str = Field("INFO", description="least level that is logged")


class AuthSettings(BaseSettings):
    """SHOPSPHERE_AUTH_*: whose tokens the doors believe."""

    model_config = SettingsConfigDict(env_prefix="SHOPSPHERE_AUTH_", hide_input_in_errors=True)

    jwks_file: Path | None = Field(None, description="JSON Web Key Set of the token issuer, as a file")
    jwks_url: str | None = Field(None, description="JSON Web Key Set of the token issuer, as an https address")
    issuer: str = Field("https://auth.shopsphere.test", description="the `iss` a token must carry")
    audience: str = Field("shopsphere", description="the `aud` a token must carry")

    @model_validator(mode="after")
    def _one_trustworthy_key_set(self) -> Self:
        if self.jwks_file and self.jwks_url:
            raise ValueError("set SHOPSPHERE_AUTH_JWKS_FILE or SHOPSPHERE_AUTH_JWKS_URL, not both")
        if self.jwks_url and not self.jwks_url.startswith("https://"):
            raise ValueError(
                "SHOPSPHERE_AUTH_JWKS_URL must be an https address: whoever alters the keys can mint tokens"
            )
        return self


class LakeSettings(BaseSettings):
    """SHOPSPHERE_LAKE_*: the one Iceberg catalog and its warehouse."""

    model_config = SettingsConfigDict(env_prefix="SHOPSPHERE_LAKE_", hide_input_in_errors=True)

    catalog_name: str = Field("shopsphere", description="the same name on the PyIceberg and the Spark side")
    catalog_type: str = Field("sql", pattern="^(sql|rest)$", description="sql (SQLite or Postgres) or rest")
    catalog_uri: str = Field(..., description="sqlite:////abs/catalog.db, postgresql+psycopg2://…, or the REST address")
    warehouse: str = Field(..., description="file:///abs/warehouse or s3://bucket/prefix; no percent-encoding")
    s3_endpoint: str | None = Field(None, description="address of an S3-compatible store")
    s3_region: str = Field("us-east-1", description="region of the S3 store")
    s3_access_key_id: SecretStr | None = Field(None, description="S3 key id")
    s3_secret_access_key: SecretStr | None = Field(None, description="S3 secret")


class SuppressionSettings(BaseSettings):
    """SHOPSPHERE_SUPPRESSION_*: the key that tells who was forgotten; it must not lie in the lake."""

    model_config = SettingsConfigDict(env_prefix="SHOPSPHERE_SUPPRESSION_", hide_input_in_errors=True)

    key_file: Path | None = Field(None, description="file with the key, 32 random bytes or more; readable by its owner")

    def key(self) -> bytes | None:
        """The key; None when none is set. Raises InvalidArgument when the file has none."""
        if self.key_file is None:
            return None
        key = self.key_file.read_bytes() if self.key_file.is_file() else b""
        if len(key) < KEY_BYTES_MIN:
            raise InvalidArgument(
                f"SHOPSPHERE_SUPPRESSION_KEY_FILE: {self.key_file} has {len(key)} bytes, {KEY_BYTES_MIN} are needed; "
                "name the key that the lake's suppressions were made with, or make one: head -c 32 /dev/urandom",
                field="key_file",
            )
        return key


class KafkaSettings(BaseSettings):
    """SHOPSPHERE_KAFKA_*."""

    model_config = SettingsConfigDict(env_prefix="SHOPSPHERE_KAFKA_", hide_input_in_errors=True)

    bootstrap_servers: str = Field("127.0.0.1:9092", description="host:port, comma-separated")


class HttpSettings(BaseSettings):
    """SHOPSPHERE_HTTP_*: bounds of every REST door."""

    model_config = SettingsConfigDict(env_prefix="SHOPSPHERE_HTTP_", hide_input_in_errors=True)

    host: str = Field("127.0.0.1", description="interface to listen on")
    max_body_bytes: int = Field(1_048_576, description="largest request body, bytes")
    request_timeout_seconds: float = Field(10.0, description="longest time a request may take, seconds")
    shutdown_grace_seconds: float = Field(5.0, description="time open requests get after SIGTERM, seconds")


Settings = TypeVar("Settings", bound=BaseSettings)


def read(settings: type[Settings]) -> Settings:
    """The settings from the environment; wrong ones are named, without their values, and end the process with 2."""
    try:
        return settings()
    except SettingsError as error:
        # A list or a mapping that is no JSON; the library's message names the field, and quotes no value.
        field = re.search(r'field "(\w+)"', str(error))
        name = f"{settings.model_config.get('env_prefix', '')}{field[1]}".upper() if field else "a setting"
        sys.stderr.write(f'{name}: is no JSON; write a list as ["one", "two"]\n')
        raise SystemExit(2) from None
    except ValidationError as error:
        prefix = _prefix(settings, error.title)
        for fault in error.errors(include_input=False, include_url=False, include_context=False):
            name = "_".join(str(part) for part in fault["loc"]).upper()
            variable = name if name.startswith(prefix) else prefix + name
            sys.stderr.write(f"{variable if name else error.title}: {fault['msg']}\n")
        raise SystemExit(2) from None


def _prefix(settings: type[BaseSettings], failing: str) -> str:
    # A block reads its own variables, so an error inside it is told under its own prefix.
    blocks = [settings, *(each.annotation for each in settings.model_fields.values())]
    prefixes = {
        block.__name__: block.model_config.get("env_prefix", "")
        for block in blocks
        if isinstance(block, type) and issubclass(block, BaseSettings)
    }
    return prefixes.get(failing, "")


def password_in(address: SecretStr | None) -> SecretStr | None:
    """The password of `scheme://user:password@host/…`, empty when there is none; None for no address."""
    if address is None:
        return None
    try:
        return SecretStr(urlsplit(address.get_secret_value()).password or "")
    except ValueError:
        # The library's message quotes the address, and with it the password.
        raise ValueError("the address cannot be read; write scheme://user:password@host:port/path") from None


def refuse_placeholders(environment: Environment, secrets: dict[str, SecretStr | None]) -> None:
    """Raise ValueError naming the setting when a secret is a placeholder outside development."""
    if environment is Environment.DEV:
        return
    for name, secret in secrets.items():
        if secret is not None and secret.get_secret_value().strip().lower() in PLACEHOLDERS:
            raise ValueError(f"{name} holds a placeholder; set a real secret, or SHOPSPHERE_ENVIRONMENT=dev")
