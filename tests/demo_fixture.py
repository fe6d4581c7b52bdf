"""One run of the demo for all tests that look at what it left behind: it costs minutes, so it is shared.

`DEMO_DAYS=7` takes more days than two, so that returns and chargebacks come in. `DEMO_STATE=<folder>` looks at a demo
that ran already with that SHOPSPHERE_STATE_DIR and wrote its report to report.json there.
"""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from shopsphere_kit.settings import LakeSettings
from shopsphere_local.environment import lake_settings
from shopsphere_local.ports import free_port_base
from shopsphere_local.settings import LocalSettings
from shopsphere_local.state import State

DAYS = os.environ.get("DEMO_DAYS", "2")
STATE = os.environ.get("DEMO_STATE")


@dataclass(frozen=True)
class DemoRun:
    """What a demo told, and the lake that it left."""

    days: int
    report: dict[str, Any]
    lake: LakeSettings


@pytest.fixture(scope="session")
def demo_run(tmp_path_factory: pytest.TempPathFactory) -> DemoRun:
    """The demo of `DEMO_STATE`, or one that runs now."""
    root = Path(STATE) if STATE else _ran_in(tmp_path_factory.mktemp("a state"))
    report = json.loads((root / "report.json").read_text())
    return DemoRun(report["days"], report, lake_settings(State(root)))


def _ran_in(root: Path) -> Path:
    """A demo in this folder, whose name has a space."""
    cache = State(LocalSettings().state_dir).cache
    cache.mkdir(parents=True, exist_ok=True)
    (root / "cache").symlink_to(cache)
    report = root / "report.json"
    command = [sys.executable, "-m", "shopsphere_local", "demo", "--days", DAYS, "--once", "--report", str(report)]
    result = subprocess.run(
        [*command, "--port-base", str(free_port_base())],
        env={**os.environ, "SHOPSPHERE_STATE_DIR": str(root)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout[-4000:] + result.stderr[-4000:]
    return root
