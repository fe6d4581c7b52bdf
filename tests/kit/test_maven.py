import hashlib
from pathlib import Path

import pytest
from shopsphere_kit import maven
from shopsphere_kit.errors import FailedPrecondition, Unavailable
from shopsphere_kit.java import JavaSettings

POM = """<project><modelVersion>4.0.0</modelVersion>
<groupId>org.example</groupId><artifactId>thing</artifactId><version>1.0</version></project>"""


@pytest.fixture
def mirror(tmp_path: Path) -> JavaSettings:
    """A Maven repository in a folder, with one artifact."""
    folder = tmp_path / "mirror" / "org" / "example" / "thing" / "1.0"
    folder.mkdir(parents=True)
    (folder / "thing-1.0.jar").write_bytes(b"the jar")
    (folder / "thing-1.0.pom").write_text(POM)
    return JavaSettings(java_home=None, maven_mirror=(tmp_path / "mirror").as_uri())


def lock(folder: Path, content: bytes = b"the jar", name: str = "org.example:thing:1.0") -> Path:
    file = folder / "jars.lock"
    file.write_text(f'[jars]\n"{name}" = "{hashlib.sha256(content).hexdigest()}"\n')
    return file


def test_a_jar_is_fetched_once_and_then_taken_from_the_cache(tmp_path: Path, mirror: JavaSettings) -> None:
    cache = tmp_path / "a cache"
    [jar] = maven.resolve(lock(tmp_path), cache, mirror)
    assert jar.read_bytes() == b"the jar"
    unreachable = JavaSettings(java_home=None, maven_mirror="file:///nowhere")
    assert maven.resolve(lock(tmp_path), cache, unreachable) == [jar]
    assert maven.is_resolved(lock(tmp_path), cache)


def test_a_spoilt_jar_in_the_cache_is_fetched_again(tmp_path: Path, mirror: JavaSettings) -> None:
    [jar] = maven.resolve(lock(tmp_path), tmp_path / "cache", mirror)
    jar.write_bytes(b"half")
    assert maven.resolve(lock(tmp_path), tmp_path / "cache", mirror)[0].read_bytes() == b"the jar"


def test_other_bytes_than_the_locked_ones_are_refused(tmp_path: Path, mirror: JavaSettings) -> None:
    with pytest.raises(FailedPrecondition, match=r"org\.example:thing:1\.0 has sha256"):
        maven.resolve(lock(tmp_path, b"another jar"), tmp_path / "cache", mirror)
    assert not maven.is_resolved(lock(tmp_path), tmp_path / "cache")


def test_a_jar_that_is_not_there_names_itself_and_the_setting(tmp_path: Path, mirror: JavaSettings) -> None:
    with pytest.raises(Unavailable, match=r"(?s)SHOPSPHERE_MAVEN_MIRROR.*org\.example#other;1\.0: not found"):
        maven.resolve(lock(tmp_path, name="org.example:other:1.0"), tmp_path / "cache", mirror)


def test_the_closure_of_an_artifact_is_what_a_lock_file_holds(tmp_path: Path, mirror: JavaSettings) -> None:
    found = maven.closure(["org.example:thing:1.0"], tmp_path / "cache", mirror)
    assert found == {"org.example:thing:1.0": hashlib.sha256(b"the jar").hexdigest()}


@pytest.mark.parametrize("content", ["", '[jars]\n"org.example:thing" = "00"\n'])
def test_a_lock_file_that_locks_nothing_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "jars.lock").write_text(content)
    with pytest.raises(FailedPrecondition, match="jars"):
        maven.read_lock(tmp_path / "jars.lock")
