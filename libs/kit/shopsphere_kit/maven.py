"""Fetches jars from a Maven repository by checksum: what the lock file names, byte for byte, or an error."""

import fcntl
import hashlib
import shutil
import subprocess
import tempfile
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from xml.sax.saxutils import quoteattr

import pyspark

from shopsphere_kit.errors import FailedPrecondition, Unavailable
from shopsphere_kit.java import JavaSettings, java, network_options

_LAYOUT = "[organisation]/[artifact]/[revision]/[artifact]-[revision].[ext]"  # as Maven lays out a repository
_FETCH_SECONDS = 900  # the largest jar is 50 MB; a slow line of 1 Mbit/s still finishes


def resolve(lock_file: Path, cache_dir: Path, settings: JavaSettings | None = None) -> list[Path]:
    """Return the jars of the lock file, fetched when missing, each with the sha256 that the lock file states.

    Uses no network when all are in `cache_dir`. Raises Unavailable when fetching fails and FailedPrecondition
    when a jar's bytes are not the locked ones.
    """
    wanted = read_lock(lock_file)
    folder = cache_dir.resolve() / "jars"
    folder.mkdir(parents=True, exist_ok=True)
    with _exclusive(folder / ".lock"):
        missing = [name for name, digest in wanted.items() if not _is_whole(_jar(folder, name), digest)]
        if missing:
            _fetch_into(folder, {name: wanted[name] for name in missing}, cache_dir, settings)
    return [_jar(folder, name) for name in wanted]


def is_resolved(lock_file: Path, cache_dir: Path) -> bool:
    """Say whether every jar of the lock file is in the cache already, with the right bytes."""
    folder = cache_dir.resolve() / "jars"
    return all(_is_whole(_jar(folder, name), digest) for name, digest in read_lock(lock_file).items())


def read_lock(lock_file: Path) -> dict[str, str]:
    """Return `group:artifact:version` → sha256 in hex, from the `[jars]` table of a TOML lock file."""
    jars = tomllib.loads(lock_file.read_text(encoding="utf-8")).get("jars")
    if not isinstance(jars, dict):
        raise FailedPrecondition(f"{lock_file.name} has no [jars] table", reason="jar_lock_invalid", field="jars")
    for name, digest in jars.items():
        if name.count(":") != 2 or not isinstance(digest, str) or len(digest) != 64:
            raise FailedPrecondition(
                f"{lock_file.name}: {name!r} must be group:artifact:version = sha256 in 64 hex digits",
                reason="jar_lock_invalid",
                field=name,
            )
    return dict(jars)


def closure(coordinates: Sequence[str], cache_dir: Path, settings: JavaSettings | None = None) -> dict[str, str]:
    """Return the checksums of the given artifacts and all they need at run time: the content of a new lock file."""
    cache_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache_dir) as scratch:
        _run_ivy(Path(scratch), coordinates, cache_dir, settings, transitive=True)
        jars = sorted((Path(scratch) / "out").rglob("*.jar"))
        return {_coordinate(jar): sha256(jar) for jar in jars}


def sha256(path: Path) -> str:
    """Return the sha256 of a file in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _coordinate(jar: Path) -> str:
    return ":".join(jar.parts[-4:-1])


def _jar(folder: Path, coordinate: str) -> Path:
    group, artifact, revision = coordinate.split(":")
    return folder / group / artifact / revision / f"{artifact}-{revision}.jar"


def _is_whole(jar: Path, digest: str) -> bool:
    return jar.exists() and sha256(jar) == digest


@contextmanager
def _exclusive(path: Path) -> Iterator[None]:
    # Two processes that start at once must not fetch the same 100 MB twice.
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _fetch_into(folder: Path, wanted: Mapping[str, str], cache_dir: Path, settings: JavaSettings | None) -> None:
    with tempfile.TemporaryDirectory(dir=folder, prefix=".fetch-") as scratch:
        _run_ivy(Path(scratch), list(wanted), cache_dir, settings, transitive=False)
        for coordinate, digest in wanted.items():
            _accept(_jar(Path(scratch) / "out", coordinate), _jar(folder, coordinate), coordinate, digest)


def _accept(fetched: Path, place: Path, coordinate: str, digest: str) -> None:
    if not fetched.exists():
        raise Unavailable(f"the Maven repository has no jar {coordinate}", reason="jar_not_found", field=coordinate)
    found = sha256(fetched)
    if found != digest:
        raise FailedPrecondition(
            f"{coordinate} has sha256 {found}, the lock file says {digest}: the repository or the way to it is "
            "altered, or the lock file is out of date",
            reason="jar_checksum_mismatch",
            field=coordinate,
        )
    place.parent.mkdir(parents=True, exist_ok=True)
    fetched.replace(place)


def _run_ivy(
    scratch: Path,
    coordinates: Sequence[str],
    cache_dir: Path,
    settings: JavaSettings | None,
    *,
    transitive: bool,
) -> None:
    chosen = settings or JavaSettings()
    (scratch / "settings.xml").write_text(_ivy_settings(chosen.maven_mirror), encoding="utf-8")
    (scratch / "ivy.xml").write_text(_ivy_module(coordinates, transitive=transitive), encoding="utf-8")
    # Relative paths: Ivy reads brackets in a pattern as its own tokens, and the repository's path is not ours.
    command = [
        *(str(java(cache_dir, chosen)), *network_options(cache_dir), "-jar", str(_ivy_jar())),
        *(
            "-settings",
            "settings.xml",
            "-cache",
            "ivy-cache",
            "-ivy",
            "ivy.xml",
            "-retrieve",
            f"out/{_LAYOUT}",
        ),
    ]
    try:
        result = subprocess.run(  # noqa: S603 - our own command line
            command, cwd=scratch, capture_output=True, text=True, timeout=_FETCH_SECONDS, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise Unavailable(f"fetching jars took over {_FETCH_SECONDS} s", reason="jar_fetch_failed") from error
    if result.returncode != 0:
        raise Unavailable(_explain(result.stdout + result.stderr), reason="jar_fetch_failed")
    shutil.rmtree(scratch / "ivy-cache", ignore_errors=True)


def _explain(output: str) -> str:
    telling = [line.strip() for line in output.splitlines() if "not found" in line or "xception" in line]
    return (
        "fetching jars from the Maven repository failed; is it reachable? SHOPSPHERE_MAVEN_MIRROR names another. "
        + " | ".join(telling[:5] or output.splitlines()[-5:])
    )


def _ivy_jar() -> Path:
    jars = sorted((Path(pyspark.__file__).parent / "jars").glob("ivy-*.jar"))
    if not jars:
        raise FailedPrecondition("pyspark ships no ivy jar; install the pinned pyspark", reason="ivy_not_found")
    return jars[-1]


def _ivy_settings(mirror: str | None) -> str:
    root = f" root={quoteattr(mirror)}" if mirror else ""
    return (
        '<ivysettings><settings defaultResolver="central"/><resolvers>'
        f'<ibiblio name="central" m2compatible="true"{root}/></resolvers></ivysettings>'
    )


def _ivy_module(coordinates: Sequence[str], *, transitive: bool) -> str:
    conf = "default-&gt;master,runtime" if transitive else "default-&gt;master"
    dependencies = "".join(
        f"<dependency org={quoteattr(group)} name={quoteattr(artifact)} rev={quoteattr(revision)} "
        f'force="true" conf="{conf}" transitive="{str(transitive).lower()}"/>'
        for group, artifact, revision in (coordinate.split(":") for coordinate in coordinates)
    )
    return (
        '<ivy-module version="2.0"><info organisation="shopsphere" module="jars"/>'
        '<configurations><conf name="default"/></configurations>'
        f"<dependencies>{dependencies}</dependencies></ivy-module>"
    )
