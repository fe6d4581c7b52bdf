"""Seeded bugs of the service, a few of `make mutants-inventory`: each is caught by a test of the ordinary suite."""

import pytest
from ingest_torture.chance import fresh_seed, stream
from inventory_mutants.mutant import PACKAGE, Mutant, catalogue
from inventory_mutants.trial import trial

MUTANTS = catalogue()
TRIED, LEAST = 5, 40


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: f"{mutant.theme}, {mutant.name}")
def test_a_mutant_applies_exactly_once(mutant: Mutant) -> None:
    changed = mutant.source()
    assert changed != (PACKAGE / mutant.file).read_text()
    if not mutant.is_lua:
        compile(changed, mutant.file, "exec")


def test_there_are_many_mutants_with_a_name_of_their_own() -> None:
    assert len({(each.theme, each.name) for each in MUTANTS}) == len(MUTANTS) >= LEAST


@pytest.mark.servers
def test_the_suite_catches_the_mutants_that_a_seed_picks() -> None:
    seed = fresh_seed()
    print(f"seed {seed}; all of them: make mutants-inventory")  # noqa: T201
    with trial() as suite:
        outcomes = [suite.of(mutant) for mutant in stream(seed, "mutants").sample(MUTANTS, TRIED)]
    assert [each.mutant.name for each in outcomes if not each.caught_by] == []
