"""The short version of `make torture-ingest`: kills, fault points, a stale writer, lost answers and a few workloads."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from ingest_torture.chance import fresh_seed
from ingest_torture.children import NurseryProcess, nursery
from ingest_torture.scene import SOURCES
from ingest_torture.suites import Suites

pytestmark = [pytest.mark.servers, pytest.mark.timeout(280)]
KILLS, WORKLOADS = 10, 3


@dataclass(frozen=True)
class FixtureAddresses:
    """Addresses that the fixtures give; only servers that are asked for start."""

    request: pytest.FixtureRequest

    @property
    def postgres(self) -> str:
        return str(self.request.getfixturevalue("postgres_dsn"))

    @property
    def mongo(self) -> str:
        return str(self.request.getfixturevalue("mongo_uri"))

    @property
    def kafka(self) -> str:
        return str(self.request.getfixturevalue("kafka_bootstrap"))


@pytest.fixture(scope="module")
def the_nursery() -> Iterator[NurseryProcess]:
    with nursery() as made:
        yield made


@pytest.fixture
def suites(request: pytest.FixtureRequest, the_nursery: NurseryProcess, tmp_path: Path) -> Suites:
    return Suites(FixtureAddresses(request), the_nursery, tmp_path)


@pytest.fixture
def seed() -> int:
    """A new one each time; pytest shows what was printed when a test fails."""
    drawn = fresh_seed()
    print(f"seed {drawn}; repeat with: make torture-ingest SEED={drawn}")  # noqa: T201
    return drawn


@pytest.mark.parametrize("source", SOURCES)
def test_kills_at_random_moments_lose_nothing_and_repeat_nothing(suites: Suites, source: str, seed: int) -> None:
    assert suites.kills(source, seed, KILLS) == []


@pytest.mark.parametrize("source", SOURCES)
def test_no_step_of_the_commit_no_stale_writer_and_no_lost_answer_loses_or_repeats_anything(
    suites: Suites, source: str, seed: int
) -> None:
    assert suites.faults(source, seed) == []


@pytest.mark.parametrize("number", range(WORKLOADS))
def test_bronze_folded_is_the_source_after_any_workload(suites: Suites, number: int, seed: int) -> None:
    # Even seeds read with pumps in this process, odd ones with children that are killed.
    chosen = seed - seed % 2 + number % 2
    print(f"repeat with: make torture-ingest SEED={chosen} SOURCES=postgres RUNS=0 SEEDS=1")  # noqa: T201
    assert suites.workload(chosen) == []
