"""Every knob of Customer 360, from the environment."""

from pathlib import Path
from typing import Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from shopsphere_kit.settings import (
    AuthSettings,
    Environment,
    HttpSettings,
    LakeSettings,
    RuntimeSettings,
    read,
    refuse_placeholders,
)

# 32 letters or digits carry at least the 128 bits below which a key of HMAC-SHA256 can be searched for.
KEY_CHARS_MIN = 32


class Settings(BaseSettings):
    """CUSTOMER360_*, and the blocks shared with other services; the lake is needed by `load` alone."""

    model_config = SettingsConfigDict(env_prefix="CUSTOMER360_", hide_input_in_errors=True)

    rest_port: int = Field(18030, description="port of REST and the dashboard; 0 picks a free one")
    grpc_port: int = Field(18031, description="port of gRPC; 0 picks a free one")
    public_url: str = Field("", description="address in sign-in links; empty: http://<host>:<rest_port>")
    data_dir: Path = Field(Path("customer360-data"), description="folder of the generations and the sign-in codes")
    store_size_max_mib: int = Field(4096, description="most that one generation may take on disk, MiB")
    current_poll_seconds: float = Field(1.0, description="how often `serve` looks for a new generation, seconds")
    lookup_key: SecretStr | None = Field(
        None, description="key of the e-mail and phone digests, 32 characters or more; the same for `load` and `serve`"
    )
    session_key: SecretStr | None = Field(
        None, description="key of sessions, form tokens and page tokens, 32 characters or more; one for all replicas"
    )
    session_lifetime_seconds: int = Field(28_800, description="how long a dashboard session lasts, seconds")
    signin_code_lifetime_seconds: int = Field(600, description="how long a one-time code can be used, seconds")

    runtime: RuntimeSettings = Field(default_factory=RuntimeSettings)
    auth: AuthSettings = Field(default_factory=AuthSettings)
    http: HttpSettings = Field(default_factory=HttpSettings)

    @model_validator(mode="after")
    def _keys_that_cannot_be_guessed(self) -> Self:
        keys = {"CUSTOMER360_LOOKUP_KEY": self.lookup_key, "CUSTOMER360_SESSION_KEY": self.session_key}
        refuse_placeholders(self.runtime.environment, keys)
        for name, key in keys.items():
            if key is None and self.runtime.environment is not Environment.DEV:
                raise ValueError(f"{name} is missing; set it to {KEY_CHARS_MIN} random characters or more")
            if key is not None and len(key.get_secret_value()) < KEY_CHARS_MIN:
                raise ValueError(f"{name} is too short; use {KEY_CHARS_MIN} random characters or more")
        return self

    def lake(self) -> LakeSettings:
        """The lake, read only when asked for: `serve` runs without one."""
        return read(LakeSettings)

    def dashboard_url(self) -> str:
        """Where people reach the dashboard, without a slash at the end."""
        return (self.public_url or f"http://{self.http.host}:{self.rest_port}").rstrip("/")
