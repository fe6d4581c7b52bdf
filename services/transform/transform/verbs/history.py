"""`python -m transform history`: the history of any file of events, by the rules of `scd2.py`, without Spark."""

import argparse
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from transform.events import RESERVED, Columns, as_json, in_batches, read
from transform.history import History

_ABOUT = """Prints the history (SCD type 2) of a file of events: JSON lines of the key, the attributes, valid_from,
end_date (null while current) and is_current, by key and valid_from. An event is a JSON line of the key, the sequence
(a number, or a timestamp as text), _op (u, also when it is missing or null: sets all attributes; d: deletes the key;
t: voids every event of a lower sequence) and any attributes. Lines that no history can use go to quarantine and stop
nothing. Exit status: 0 when the history was printed, whatever was quarantined; 1 when a file cannot be read or
written; 2 for wrong arguments."""


def add(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Describe the verb."""
    verb = verbs.add_parser("history", help="print the history of a file of events", description=_ABOUT)
    verb.add_argument(
        "--events", type=Path, required=True, help="the events, one JSON object a line; - is standard input"
    )
    verb.add_argument("--key", type=_names, required=True, help="column of the key, or several: a,b")
    verb.add_argument("--sequence", required=True, help="column that orders the events of a key")
    verb.add_argument("--track", type=_names, help="attributes that open a version when they change; default: all")
    verb.add_argument(
        "--batch",
        help="apply the events incrementally, batch after batch in the order of this column, "
        "which is then no attribute",
    )
    verb.add_argument("--quarantine", type=Path, help="file for the lines that cannot be used; default: standard error")
    verb.set_defaults(act=run, needs_settings=False)


def _names(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(","))
    if not all(names) or len(set(names)) < len(names):
        raise argparse.ArgumentTypeError(f"{text!r} is not a list of different column names: a,b")
    return names


def run(_: object, chosen: argparse.Namespace) -> int:
    """Print the history; 0 unless the file cannot be read or the columns cannot be told apart."""
    columns = Columns(chosen.key, chosen.sequence, chosen.batch)
    if trouble := _confused(columns):
        return _told(trouble, 2)
    try:
        lines = _lines(chosen.events)
    except OSError as error:
        return _told(f"--events {chosen.events}: {error.strerror}; name a file that can be read", 1)
    delivered, rejected = read(lines, columns)
    history = History(chosen.key, chosen.track)
    for batch in in_batches(delivered):
        history.apply(batch)
    sys.stdout.writelines(
        f"{{{', '.join(f'{json.dumps(n)}: {v}' for n, v in row.items())}}}\n"
        for row in history.rows({name for one in delivered for name in one.named})
    )
    return _quarantine(chosen.quarantine, map(as_json, rejected))


def _confused(columns: Columns) -> str | None:
    """What is wrong with the choice of columns, if anything."""
    named = [*columns.key, columns.sequence, "_op"]
    if len(set(named)) < len(named):
        return f"--key, --sequence and _op are one column twice: {', '.join(named)}; each needs its own"
    if taken := set(columns.key) & set(RESERVED):
        return f"--key {min(taken)} is a column of the history itself; rename it in the file"
    return None


def _lines(path: Path) -> list[str]:
    """The lines; a byte that is no UTF-8 becomes a mark that spoils its own line only."""
    data = sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()
    return data.decode("utf-8-sig", errors="surrogateescape").split("\n")


def _quarantine(path: Path | None, rejected: Iterable[dict[str, Any]]) -> int:
    text = "".join(json.dumps(one) + "\n" for one in rejected)
    if path is None:
        sys.stderr.write(text)
        return 0
    try:
        path.write_text(text)
    except OSError as error:
        return _told(f"--quarantine {path}: {error.strerror}; name a file that can be written", 1)
    return 0


def _told(trouble: str, code: int) -> int:
    sys.stderr.write(f"{trouble}\n")
    return code
