"""The counts of a release: written down under flat names, read again, and added up."""

from hypothesis import given
from hypothesis import strategies as st
from transform.counts import Counts, add

# As tables and folds are named; a check's or a frame's name has no blank.
NAMES = st.from_regex(r"[a-z]{1,8}\.[a-z_]{1,12}", fullmatch=True)
NUMBERS = st.dictionaries(NAMES, st.integers(0, 10**12), max_size=4)
TALLIES = st.dictionaries(
    NAMES, st.dictionaries(st.sampled_from(["input", "clean", "rejected", "repeated"]), st.integers(0, 99), min_size=1)
)
COUNTS = st.builds(Counts, NUMBERS, NUMBERS, NUMBERS, NUMBERS, TALLIES)


@given(COUNTS)
def test_what_was_written_down_is_read_again(counts: Counts) -> None:
    assert Counts.of(counts.flat()) == counts


@given(COUNTS)
def test_every_count_has_a_name_of_its_own(counts: Counts) -> None:
    flat = counts.flat()
    each = [*counts.rows.values(), *counts.quarantined.values(), *counts.delivered.values()]
    each += counts.repeated.values()
    each += [number for tallied in counts.tallies.values() for number in tallied.values()]
    assert sorted(flat.values()) == sorted(each)


def test_a_count_is_named_by_its_kind_and_its_table() -> None:
    counts = Counts({"gold.x": 1}, {"silver.y": 2}, {"silver.z": 3}, {"silver.z": 1}, {"judged.lines": {"clean": 4}})
    assert counts.flat() == {
        "rows gold.x": 1,
        "quarantined silver.y": 2,
        "delivered silver.z": 3,
        "repeated silver.z": 1,
        "tally judged.lines clean": 4,
    }


@given(NUMBERS, NUMBERS)
def test_what_is_added_and_taken_away_again_leaves_what_there_was(before: dict[str, int], more: dict[str, int]) -> None:
    counted = dict(before)
    add(counted, more)
    add(counted, more, -1)
    assert {name: number for name, number in counted.items() if number} == {n: c for n, c in before.items() if c}


def test_tallies_are_added_by_frame_and_by_verdict() -> None:
    counts = Counts(tallies={"judged.lines": {"clean": 4, "rejected": 1}})
    counts.add_tallies({"judged.lines": {"clean": 3}, "judged.users": {"clean": 2}})
    counts.add_tallies({"judged.lines": {"rejected": 1}}, -1)
    assert counts.tallies == {"judged.lines": {"clean": 7, "rejected": 0}, "judged.users": {"clean": 2}}
