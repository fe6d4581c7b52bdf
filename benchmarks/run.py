"""Runs one benchmark (`inventory/apply_movements`) or all of them, each in a process of its own."""

import os
import signal
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
        if code := _run(command):
            return code
    return 0


def _run(command: list[str | Path]) -> int:
    """Run a script; when this process is told to stop, the script is too, and gets the time to stop its servers."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    path = os.pathsep.join((str(HERE), str(HERE.parent / "tests")))
    with subprocess.Popen(command, env={**os.environ, "PYTHONPATH": path}) as script:  # noqa: S603
        try:
            return script.wait()
        except BaseException:
            script.terminate()
            raise


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
