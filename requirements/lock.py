"""Solves the workspace's dependencies and writes one hash-pinned file per member, and one for development.

The files name packages, versions and hashes but no registry, so any mirror serves them.
"""

import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
UV = Path(sys.executable).parent / "uv"
MEMBERS = ("proto", "kit", "ingest", "inventory", "fraud", "customer360", "transform", "local")
HEADER = "# Made by `make lock`; do not edit.\n"


def uv(*arguments: str) -> str:
    """Run uv in the workspace and return what it printed."""
    return subprocess.run([UV, *arguments], cwd=ROOT, check=True, capture_output=True, text=True).stdout  # noqa: S603


def export(name: str, *selection: str) -> None:
    """Write requirements/<name>.txt."""
    text = uv("export", "--quiet", "--frozen", "--no-emit-workspace", "--no-header", "--no-annotate", *selection)
    (HERE / f"{name}.txt").write_text(HEADER + text)


def pin_uv() -> None:
    """Write requirements/uv.txt: uv itself, which builds everything else."""
    source = "uv==" + re.findall(r"\d+\.\d+\.\d+", uv("--version"))[0]
    text = subprocess.run(  # noqa: S603
        [UV, "pip", "compile", "--quiet", "--generate-hashes", "--no-header", "--no-annotate", "-"],
        input=source,
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    (HERE / "uv.txt").write_text(HEADER + text)


if __name__ == "__main__":
    uv("lock", *sys.argv[1:])
    export("dev", "--all-packages", "--group", "dev")
    for member in MEMBERS:
        export(member, "--no-dev", "--package", f"shopsphere-{member}")
    pin_uv()
