import subprocess
from pathlib import Path

import pytest
from shopsphere_kit import java
from shopsphere_kit.errors import FailedPrecondition
from shopsphere_kit.java import JavaSettings

NONE = JavaSettings(java_home=None)


def test_java_21_runs_from_a_path_with_a_space_without_the_module_it_lacks(tmp_path: Path) -> None:
    options = ["-Dsome.name=with a space", "-XshowSettings:properties", "-version"]
    command = [str(java.java(tmp_path / "a cache", NONE)), java.MISSING_MODULE_ARGUMENT, *options]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "java.version = 21" in result.stderr
    assert "some.name = with a space" in result.stderr


def test_making_the_java_home_twice_changes_nothing(tmp_path: Path) -> None:
    first = java.java_home(tmp_path, NONE)
    made = (first / "bin" / "java").stat().st_mtime_ns
    assert java.java_home(tmp_path, NONE) == first
    assert (first / "bin" / "java").stat().st_mtime_ns == made


def test_a_java_of_ones_own_is_used_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "java").touch()
    assert java.java_home(tmp_path / "cache", JavaSettings(java_home=tmp_path)) == tmp_path


def test_a_java_home_without_java_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(FailedPrecondition, match="SHOPSPHERE_JAVA_HOME"):
        java.java_home(tmp_path, JavaSettings(java_home=tmp_path / "nowhere"))
