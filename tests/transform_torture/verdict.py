"""The verdict on a case: three ways to the same rows give the same tables, and every row of bronze is accounted for."""

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession
from shopsphere_kit.lake import Release, open_catalog, scan_release
from shopsphere_kit.settings import LakeSettings
from transform import jobs
from transform_torture.plan import Case
from transform_torture.play import Play, fill
from transform_torture.reader import Reader, reading

# Rows of a table that are shown of those on one side alone.
_SHOWN = 3
# How the keys of a history begin: a sku, an order of the marketplace, a buyer, an event, a user, an order.
_NAMED = re.compile(r"'(?:H(\d+)P|MP-(\d+)-|B-(\d+)-|[mel](\d+)-|(\d+)\d\d'|(\d+)\d{3}')")

# A lake, its release, and the content hash of every table.
Way = tuple[Play, Release, dict[str, str]]


@dataclass
class Verdict:
    """What was found wrong, and what was done."""

    problems: list[str] = field(default_factory=list)
    told: Counter[str] = field(default_factory=Counter)
    rows: int = 0
    runs: int = 0
    looks: int = 0
    histories: set[int] = field(default_factory=set)
    """The histories whose rows differ, as far as their keys tell."""


def _silent(_: str) -> None:
    """Tell nobody."""


def settings(folder: Path) -> LakeSettings:
    """An empty lake in a folder that is made."""
    (folder / "warehouse").mkdir(parents=True)
    return LakeSettings(catalog_uri=f"sqlite:///{folder}/catalog.db", warehouse=f"file://{folder}/warehouse")


def judge(
    case: Case, folder: Path, session: Callable[[LakeSettings], SparkSession], tell: Callable[[str], None] = _silent
) -> Verdict:
    """Play a case, and compare it with a rebuild of the same lake and with its rows in a new one."""
    found = Verdict(rows=len(case.deliveries()))
    play = Play(settings(folder / "the lake"), session, found.told, tell)
    with reading(open_catalog(play.settings)) as reader:
        play.carry_out(case)
        tell("hashes")
        grown = (play, play.newest(), play.hashes())
        if case.rebuilt:
            tell("a rebuild")
            _rebuilt(found, grown)
    found.looks, found.runs = reader.looks, play.runs
    found.problems += _of_reader(reader)
    tell("one batch")
    _in_one_batch(found, grown, case, Play(settings(folder / "another lake"), session))
    return found


def _rebuilt(found: Verdict, grown: Way) -> None:
    play = grown[0]
    found.problems += _unaccounted(play.run(play.opened(), full=True))
    _compare(found, "run after run", grown, "a rebuild", (play, play.newest(), play.hashes()))


def _in_one_batch(found: Verdict, grown: Way, case: Case, fresh: Play) -> None:
    fill(fresh.opened(), case.deliveries())
    found.problems += _unaccounted(fresh.run(fresh.opened()))
    _compare(found, "run after run", grown, "one batch", (fresh, fresh.newest(), fresh.hashes()))


def _of_reader(reader: Reader) -> list[str]:
    unseen = [] if reader.looks else ["the reader saw nothing"]
    return [*reader.problems, *reader.blind(), *unseen]


def _unaccounted(done: jobs.Run) -> list[str]:
    failing = [f"{result.table} {result.check}: {result.failing}" for result in done.results if not result.holds]
    lost = [
        f"{balance.table}: {balance.came_in} in, {balance.out} clean, {balance.quarantined} quarantined"
        for balance in done.conservation
        if balance.came_in != balance.out + balance.quarantined
    ]
    return failing + lost


def _compare(found: Verdict, one_way: str, one: Way, other_way: str, other: Way) -> None:
    hashes, others = one[2], other[2]
    for name in sorted(hashes.keys() | others.keys()):
        if hashes.get(name) == others.get(name):
            continue
        here, there = _rows(*one[:2], name), _rows(*other[:2], name)
        only_here, only_there = here - there, there - here
        found.problems.append(
            f"{name} differs: {one_way} has {len(only_here)} rows that {other_way} has not, {len(only_there)} the "
            f"other way round\n    {one_way}: {_shown(only_here)}\n    {other_way}: {_shown(only_there)}"
        )
        found.histories |= {number for row in (only_here + only_there) for number in _history(row)}


def _rows(play: Play, pinned: Release, name: str) -> Counter[str]:
    rows: list[dict[str, Any]] = scan_release(open_catalog(play.settings), pinned, name).to_pylist()
    return Counter(repr(row) for row in rows)


def _shown(rows: Counter[str]) -> str:
    return "\n      ".join(list(rows)[:_SHOWN]) or "none"


def _history(row: str) -> set[int]:
    return {int(number) for names in _NAMED.findall(row) for number in names if number}
