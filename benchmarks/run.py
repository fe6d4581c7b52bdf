"""Runs one benchmark (`inventory/apply_movements`) or all of them, each in a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent


def claims() -> list[str]:
    """Every claim: `<service>/<name>`."""
    return sorted(str(path.relative_to(HERE).with_suffix("")) for path in HERE.glob("*/*.py"))


def main(chosen: list[str]) -> int:
    """Run the chosen claims, or all."""
    known = claims()
    if unknown := set(chosen) - set(known):
        print(f"no claim {', '.join(sorted(unknown))}; there are: {', '.join(known)}", file=sys.stderr)
        return 2
    for claim in chosen or known:
        print(f"== {claim}", flush=True)
        command: list[str | Path] = [sys.executable, HERE / f"{claim}.py"]
        code = subprocess.run(command, check=False, env={**os.environ, "PYTHONPATH": str(HERE)}).returncode  # noqa: S603
        if code:
            return code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
