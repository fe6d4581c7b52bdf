"""The state folder: what the stack keeps between two starts, and the credentials made on the first one."""

import json
import secrets
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from shopsphere_kit.auth import DevKey
from shopsphere_kit.errors import Conflict
from shopsphere_kit.suppression import KEY_BYTES_MIN

_PASSWORD_BYTES = 24  # 192 bits, beyond guessing


@dataclass(frozen=True)
class Credentials:
    """Passwords and keys of the servers and services of this state folder."""

    postgres_password: str
    redis_password: str
    customer360_lookup_key: str
    customer360_session_key: str

    @classmethod
    def complete(cls, known: Mapping[str, str]) -> "Credentials":
        """Keep what is known and make the rest, random and safe inside an address."""
        names = [field.name for field in fields(cls)]
        return cls(**{name: known.get(name) or secrets.token_urlsafe(_PASSWORD_BYTES) for name in names})


@dataclass(frozen=True)
class State:
    """Folders of one stack under `root`: run, data, logs, cache, credentials."""

    root: Path

    @property
    def run(self) -> Path:
        """What describes the running processes; worthless once they are gone."""
        return self.root / "run"

    @property
    def data(self) -> Path:
        """One folder per server and service."""
        return self.root / "data"

    @property
    def logs(self) -> Path:
        """One file per process and job."""
        return self.root / "logs"

    @property
    def cache(self) -> Path:
        """Jars and the Java shim; can be fetched again, so `reset` keeps it."""
        return self.root / "cache"

    @property
    def catalog(self) -> Path:
        """The SQLite file of the Iceberg catalog."""
        return self.data / "lake" / "catalog.db"

    @property
    def warehouse(self) -> Path:
        """The folder of the Iceberg tables."""
        return self.data / "lake" / "warehouse"

    @property
    def jwks_file(self) -> Path:
        """The public half of the development signing key."""
        return self.root / "credentials" / "jwks.json"

    @property
    def suppression_key_file(self) -> Path:
        """The key of the HMACs of people who were erased; beside the lake, never in it."""
        return self.root / "credentials" / "suppression-key"

    def prepare(self) -> None:
        """Make every folder and the signing key, keeping what is there."""
        self.root.mkdir(parents=True, exist_ok=True)
        self._marker.touch()
        for folder in (self.run, self.data, self.logs, self.cache, self.catalog.parent, self.warehouse):
            folder.mkdir(parents=True, exist_ok=True)
        self.credentials()
        self._make_suppression_key()
        self.jwks_file.write_text(self.dev_key().jwks(), encoding="utf-8")

    def dev_key(self) -> DevKey:
        """Return the key that signs development tokens, made on first use."""
        return DevKey.load_or_make(self._credentials_folder() / "signing-key.pem")

    def credentials(self) -> Credentials:
        """Return the servers' passwords, made on first use in a file that only its owner can read."""
        file = self._credentials_folder() / "passwords.json"
        known = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
        complete = Credentials.complete(known)
        if asdict(complete) != known:
            file.touch(mode=0o600)
            file.write_text(json.dumps(asdict(complete), indent=2), encoding="utf-8")
        return complete

    def _make_suppression_key(self) -> None:
        file = self.suppression_key_file
        if not file.exists():
            self._credentials_folder()
            file.touch(mode=0o600)
            file.write_bytes(secrets.token_bytes(KEY_BYTES_MIN))

    def erase(self) -> None:
        """Remove data, logs, run files and credentials; the cache stays.

        Raises Conflict for a folder that this stack did not make, whatever SHOPSPHERE_STATE_DIR says.
        """
        folders = [self.data, self.logs, self.run, self.root / "credentials"]
        if any(folder.exists() for folder in folders) and not self._marker.exists():
            raise Conflict(
                f"{self.root} was not made by this stack, so nothing in it is removed; "
                "set SHOPSPHERE_STATE_DIR to a folder of its own",
                reason="not_a_state_folder",
            )
        for folder in folders:
            shutil.rmtree(folder, ignore_errors=True)

    @property
    def _marker(self) -> Path:
        return self.root / ".shopsphere-state"

    def _credentials_folder(self) -> Path:
        folder = self.root / "credentials"
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return folder
