"""Trying a mutant: the suite runs over a copy of the service that has the bug; the first test that fails caught it."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inventory_histories.servers import a_redis
from inventory_mutants.mutant import Mutant
from inventory_mutants.suite import arguments

_ROOT = Path(__file__).parents[2]
_TESTS_PASSED, _TEST_FAILED = 0, 1


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the suite said of a mutant; no `caught_by` when it survived."""

    mutant: Mutant
    caught_by: str | None
    message: str


class Trial:
    """The forking parent as a child of this process, and a Redis that only mutants use."""

    def __init__(self, folder: Path, redis_url: str) -> None:
        self._folder, self._redis_url = folder, redis_url
        environment = {**os.environ, "PYTHONPATH": str(_ROOT / "tests")}
        command = [sys.executable, "-m", "inventory_mutants.nursery"]
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(command, env=environment, cwd=_ROOT, stdin=pipe, stdout=pipe, text=True)

    def of(self, mutant: Mutant) -> Outcome:
        """Run the suite over the mutant; raises RuntimeError when it could not run at all."""
        # Always the same path, so that what was compiled of the other files is found again.
        folder = self._folder / "mutant"
        mutant.copy_into(folder)
        told = self._ask(folder, arguments(mutant))
        shutil.rmtree(folder)
        return Outcome(mutant, told.get("test"), told.get("message", ""))

    def close(self) -> None:
        """End the parent; its child has ended before."""
        self._process.communicate()

    def _ask(self, folder: Path, asked: list[str]) -> dict[str, Any]:
        answer, log = folder / "answer.json", folder / "log"
        order = {"folder": str(folder), "redis_url": self._redis_url, "answer": str(answer), "log": str(log)}
        order["bytecode"] = str(self._folder / "bytecode")
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps({**order, "arguments": asked}) + "\n")
        self._process.stdin.flush()
        self._process.stdout.readline()
        told: dict[str, Any] = json.loads(answer.read_text()) if answer.exists() else {"code": None}
        if told["code"] not in (_TESTS_PASSED, _TEST_FAILED) or ("test" in told) != (told["code"] == _TEST_FAILED):
            raise RuntimeError(f"the suite did not run (pytest says {told['code']}):\n{log.read_text()[-3000:]}")
        return told


@contextmanager
def trial() -> Iterator[Trial]:
    """Everything that trying mutants needs, for as long as it is needed."""
    with (
        tempfile.TemporaryDirectory(prefix="shopsphere mutants ", ignore_cleanup_errors=True) as folder,
        a_redis(Path(folder)) as server,
    ):
        made = Trial(Path(folder), server.url)
        try:
            yield made
        finally:
            made.close()
