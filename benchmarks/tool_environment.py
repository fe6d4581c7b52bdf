"""Environments of their own for programs that a benchmark compares with or makes its inputs with.

They are pinned here and never enter the requirements of a service.
"""

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from ingest_servers import cache


def tool_environment(name: str, pins: Sequence[str]) -> Path:
    """A virtual environment in the cache with exactly these requirements, made when it is not there."""
    digest = hashlib.sha256("\n".join(pins).encode()).hexdigest()[:12]
    folder = cache() / f"{name}-{digest}"
    if not folder.exists():
        print(f"making {folder} with {', '.join(pins)}", flush=True)
        folder.parent.mkdir(parents=True, exist_ok=True)
        # Not moved when it is done, for its scripts name their own folder; so what is half made goes away.
        try:
            uv, python = str(Path(sys.executable).parent / "uv"), str(folder / "bin" / "python")
            subprocess.run([uv, "venv", "--quiet", f"--python={sys.executable}", str(folder)], check=True)  # noqa: S603
            command = [uv, "pip", "install", "--quiet", f"--python={python}", *pins]
            subprocess.run(command, check=True)  # noqa: S603
        except (OSError, subprocess.CalledProcessError) as error:
            shutil.rmtree(folder, ignore_errors=True)
            raise SystemExit(f"cannot install {', '.join(pins)}: {error}; a package index is needed once") from error
    return folder
