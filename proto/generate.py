"""Generates the Python of every contract, in place; with --check, says whether it is fresh and edits nothing."""

import filecmp
import sys
import tempfile
from pathlib import Path

from grpc_tools import protoc

HERE = Path(__file__).resolve().parent
GOOGLE = Path(protoc.__file__).parent / "_proto"
SUFFIXES = ("_pb2.py", "_pb2.pyi", "_pb2_grpc.py")


def generate(target: Path) -> list[Path]:
    """Write the generated modules below `target`; returns their paths relative to it."""
    protos = sorted(HERE.glob("shopsphere/*/v1/*.proto"))
    arguments = [f"--{kind}_out={target}" for kind in ("python", "pyi", "grpc_python")]
    code = protoc.main(["protoc", f"-I{HERE}", f"-I{GOOGLE}", *arguments, *map(str, protos)])
    if code:
        sys.exit(f"protoc ended with {code}")
    stems = [proto.relative_to(HERE).with_suffix("") for proto in protos]
    return [stem.with_name(stem.name + suffix) for stem in stems for suffix in SUFFIXES]


def stale() -> list[Path]:
    """The generated modules that differ from what the contracts give, or are missing."""
    with tempfile.TemporaryDirectory() as folder:
        return [
            path
            for path in generate(Path(folder))
            if not (HERE / path).exists() or not filecmp.cmp(HERE / path, Path(folder) / path, shallow=False)
        ]


if __name__ == "__main__":
    if "--check" not in sys.argv:
        generate(HERE)
    elif found := stale():
        sys.exit("stale generated code, run `make proto`: " + ", ".join(map(str, found)))
