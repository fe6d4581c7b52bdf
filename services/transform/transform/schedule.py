"""Runs steps that wait for each other: several at a time, each as soon as what it needs is done."""

from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass


@dataclass(frozen=True)
class Step:
    """Something to do once the steps named in `needs` are done; a name that is no step needs no waiting."""

    name: str
    needs: Sequence[str]
    act: Callable[[], object]


def run_all(steps: Sequence[Step], workers: int) -> None:
    """Do all steps; the first error of one is raised when those that run have ended, and no further one starts."""
    waiting = {step.name: step for step in steps}
    running: dict[Future[object], str] = {}
    with ThreadPoolExecutor(workers, thread_name_prefix="transform") as pool:
        while waiting or running:
            # Not one more than can run: what waits inside the pool would start even after an error.
            for step in _ready(waiting, [*running.values()])[: workers - len(running)]:
                del waiting[step.name]
                running[pool.submit(step.act)] = step.name
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                del running[future]
                future.result()


def _ready(waiting: Mapping[str, Step], running: Collection[str]) -> list[Step]:
    open_names = {*waiting, *running}
    found = [step for step in waiting.values() if open_names.isdisjoint(step.needs)]
    if waiting and not found and not running:
        raise ValueError(f"steps wait for each other: {', '.join(sorted(waiting))}")
    return found
