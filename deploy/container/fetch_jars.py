"""`python fetch_jars.py FOLDER` while the transform image is built: Spark's jars and the Java shim, into FOLDER."""

# ruff: noqa: INP001 - a program of its own, and no package
import sys
from pathlib import Path

from shopsphere_kit import java, maven
from transform.session import JARS, JARS_FOR_S3


def fetch(cache_dir: Path) -> list[Path]:
    """Every jar that a session may need, for a file warehouse and for S3; raises when one is not as locked."""
    cache_dir.mkdir(parents=True, exist_ok=True)
    java.java_home(cache_dir)
    return [jar for lock in (JARS, JARS_FOR_S3) for jar in maven.resolve(lock, cache_dir)]


if __name__ == "__main__":
    for jar in fetch(Path(sys.argv[1])):
        sys.stdout.write(f"{jar}\n")
