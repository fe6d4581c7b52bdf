"""The long run, `make torture-transform`: of a case that fails it looks for a smaller one, and how to repeat it."""

import argparse
import logging as python_logging
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

from ingest_torture.chance import fresh_seed
from pyspark.sql import SparkSession
from shopsphere_kit import logging
from shopsphere_kit.settings import LakeSettings
from transform_torture.delivery import HISTORIES_MAX
from transform_torture.plan import Case
from transform_torture.spark import sessions_of, started
from transform_torture.verdict import Verdict, judge, settings

# Histories share no key, and all rules but those of identity are local by key: ten in one lake cost little more than
# one, and each counts.
PER_LAKE = 10


class Torturer:
    """Judges cases in a folder, with one Spark."""

    def __init__(
        self, folder: Path, session: Callable[[LakeSettings], SparkSession], tell: Callable[[str], None]
    ) -> None:
        self._folder, self._session, self._tell = folder, session, tell

    def judge(self, case: Case) -> Verdict:
        """The verdict, also on what broke."""
        with tempfile.TemporaryDirectory(dir=self._folder, ignore_cleanup_errors=True) as folder:
            try:
                return judge(case, Path(folder), self._session, self._tell)
            except Exception:
                return Verdict([traceback.format_exc()])

    def smaller(self, case: Case, found: Verdict) -> tuple[Case, Verdict]:
        """The smallest case found that fails still: calmer, and with fewer histories."""
        for attempt in _smaller(case, found):
            verdict = self.judge(attempt)
            _say(f"  {attempt}: {'fails too' if verdict.problems else 'good'}")
            if verdict.problems:
                return self.smaller(attempt, verdict)
        return case, found


def _smaller(case: Case, found: Verdict) -> Iterator[Case]:
    if not case.calm and not case.brief:
        yield replace(case, calm=True)
    if len(case.histories) > 1:
        suspects = [number for number in case.histories if number in found.histories]
        yield from (case.only(number) for number in suspects[:2])
        half = len(case.histories) // 2
        yield from (case.only(*case.histories[:half]), case.only(*case.histories[half:]))


def main() -> int:
    """Play cases until as many histories as were asked for are through, and stop at the first failure."""
    given = _parser().parse_args()
    logging.configure("torture", "ERROR")
    python_logging.getLogger("py4j").setLevel(python_logging.WARNING)
    _say(f"seed {given.seed}: {given.runs} histories, {given.per_lake} in a lake")
    with (
        tempfile.TemporaryDirectory(prefix="shopsphere torture ", ignore_cleanup_errors=True) as folder,
        started(settings(Path(folder) / "no lake")) as spark,
    ):
        tell = _tell_step if given.steps else _tell_nothing
        return _play(Torturer(Path(folder), sessions_of(spark), tell), given)


def _play(torturer: Torturer, given: argparse.Namespace) -> int:
    told, done, began = Counter[str](), 0, time.monotonic()
    for case in cases(given):
        found = torturer.judge(case)
        if found.problems:
            return _failed(torturer, case, found, given)
        done += len(case.histories)
        told += found.told
        minutes = (time.monotonic() - began) / 60
        _say(
            f"{done} of {given.runs} histories good after {minutes:.1f} minutes; seed {case.seed}: {found.rows} rows, "
            f"{case.batch_count()} batches, {found.runs} runs, {found.looks} looks of a reader"
        )
    _say("the same tables on every way: " + ", ".join(f"{what} {times}" for what, times in sorted(told.items())))
    return 0


def cases(given: argparse.Namespace) -> Iterator[Case]:
    """As many cases as hold the histories that were asked for; each has a seed of its own, the first the one given."""
    only: tuple[int, ...] = given.only
    of_seed = partial(Case, batches=given.batches, calm=given.calm, kills=given.kills, brief=given.brief)
    if only:
        yield of_seed(given.seed, only)
        return
    for lake, first in enumerate(range(0, given.runs, given.per_lake)):
        histories = tuple(range(min(given.per_lake, given.runs - first)))
        yield of_seed(given.seed + lake, histories)


def _failed(torturer: Torturer, case: Case, found: Verdict, given: argparse.Namespace) -> int:
    _tell(case, found)
    if given.shrink:
        _say("looking for a smaller case")
        _tell(*torturer.smaller(case, found))
    return 1


def _tell(case: Case, found: Verdict) -> None:
    _say(f"FAILED {case}: {len(found.problems)} problems; {dict(found.told)}")
    for trouble in found.problems[:20]:
        _say(f"  {trouble}")
    only = ",".join(map(str, case.histories))
    switches = f"{' CALM=1' if case.calm else ''}{'' if case.kills else ' KILLS=0'}{' BRIEF=1' if case.brief else ''}"
    batches = f" BATCHES={case.batches}" if case.batches else ""
    _say(f"repeat with: make torture-transform SEED={case.seed} ONLY={only}{batches}{switches}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="transform_torture", description=__doc__)
    parser.add_argument("--seed", type=_seed, default="", help="what decides everything but the machine's timing")
    parser.add_argument("--runs", type=int, default=300, help="histories")
    parser.add_argument("--only", type=_numbers, default="", help="the histories of one case, comma-separated")
    parser.add_argument("--per-lake", type=int, default=PER_LAKE, help="histories in one lake")
    parser.add_argument("--batches", type=int, default=0, help="batches of a case; 0: as the seed decides")
    parser.add_argument("--calm", type=_switch, default=False, help="1: nothing dies, overlaps or is rolled back")
    parser.add_argument("--kills", type=_switch, default=True, help="0: no process is killed -9, which is quicker")
    parser.add_argument("--brief", type=_switch, default=False, help="1: two batches, and one run that dies")
    parser.add_argument("--steps", action="store_true", help="print each step when it begins")
    parser.add_argument("--no-shrink", dest="shrink", action="store_false", help="stop at the first failure")
    return parser


def _seed(text: str) -> int:
    return int(text) if text else fresh_seed()


def _switch(text: str) -> bool:
    return text == "1"


def _numbers(text: str) -> tuple[int, ...]:
    numbers = tuple(int(number) for number in text.split(",") if number)
    if any(not 0 <= number < HISTORIES_MAX for number in numbers):
        raise argparse.ArgumentTypeError(f"{text}: not from 0 to {HISTORIES_MAX - 1}")
    return numbers


def _say(line: str) -> None:
    print(line, flush=True)


def _tell_step(step: str) -> None:
    _say(f"  {time.strftime('%H:%M:%S')} {step}")


def _tell_nothing(_: str) -> None:
    """Steps are not asked for."""


if __name__ == "__main__":
    sys.exit(main())
