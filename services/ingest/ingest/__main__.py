"""The command line: `python -m ingest run | wait | status | replay | copy | files`."""

import argparse
import asyncio
import gc
import os
import signal
import sys
import threading
from collections.abc import Sequence

from shopsphere_kit import logging
from shopsphere_kit.errors import InvalidArgument, ShopSphereError
from shopsphere_kit.serving import serve
from shopsphere_kit.settings import read

from ingest import bootstrap, commands, report, rest, start_table
from ingest.errors import WriterFenced
from ingest.load_files import Choice, Request
from ingest.pump import Pumps
from ingest.settings import Settings
from ingest.sources.files import find
from ingest.sources.records import Form
from ingest.tables import file_table

# 2 is wrong usage or settings, as argparse and the kit have it. Fenced out is a code of its own: a supervisor that
# starts a fenced writer again would make the two fence each other in turns.
EXIT_FAILED, EXIT_USAGE, EXIT_BEHIND, EXIT_FENCED = 1, 2, 3, 4


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb; returns the exit code."""
    parsed = _parser().parse_args(arguments)
    settings = read(Settings)
    try:
        logging.configure("ingest", settings.runtime.log_level)
        code: int = parsed.verb(settings, parsed)
    except TimeoutError as error:
        return _refuse(str(error), EXIT_BEHIND)
    except WriterFenced as error:
        return _refuse(error.detail, EXIT_FENCED)
    except InvalidArgument as error:
        return _refuse(error.detail, EXIT_USAGE)
    except ShopSphereError as error:
        return _refuse(error.detail, EXIT_FAILED)
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m ingest", description=__doc__)
    verbs = parser.add_subparsers(required=True, metavar="verb")
    verbs.add_parser("run", help="bring all sources into bronze until SIGTERM").set_defaults(verb=_run)
    wait = verbs.add_parser("wait", help="wait until everything that the sources have now is in bronze")
    wait.add_argument("--timeout-seconds", type=float, default=120.0, help="give up after so long (exit code 3)")
    wait.set_defaults(verb=_wait)
    commands.add_status(verbs.add_parser("status", help="tables and streams: positions, lag, files, quarantine"))
    commands.add_replay(verbs.add_parser("replay", help="read quarantined records again with the code as it is now"))
    commands.add_copy(verbs.add_parser("copy", help="backfill a range of a source's table, once per condition"))
    _add_files(verbs.add_parser("files", help="load files into a bronze table, one commit per file"))
    return parser


def _add_files(files: argparse.ArgumentParser) -> None:
    files.add_argument("--glob", required=True, help="which files, quoted; ** stands for any depth of folders")
    files.add_argument("--table", required=True, help="bronze_files__<name>")
    files.add_argument("--format", choices=("csv", "jsonl"), default="csv", help="jsonl keeps each line as `document`")
    files.add_argument("--encoding", default="utf-8", help="the files' encoding")
    files.add_argument("--delimiter", default=",", help="between two fields of a CSV record")
    for option, what in (("--changed", "known by name with other content"), ("--renamed", "in under another name")):
        files.add_argument(option, type=Choice, choices=list(Choice), default=Choice.REFUSE, help=f"a file {what}")
    files.add_argument("--reload-removed", action="store_true", help="load though rows of loaded files were removed")
    files.set_defaults(verb=_files)


def _run(settings: Settings, _: argparse.Namespace) -> int:
    stop = threading.Event()
    # What is loaded by now stays; looking for garbage in it took a tenth of the time of reading Kafka.
    gc.freeze()
    # `serve` stops at SIGTERM alone, so a process that was fenced out or has a crashed source sends it to itself.
    running = Pumps(bootstrap.pumps(settings, stop), stop, lambda: os.kill(os.getpid(), signal.SIGTERM))
    app = rest.app(settings, running.pumps)
    start_table.tell(bootstrap.starts(settings), sys.stderr)
    for watch in bootstrap.slot_watches(settings, stop):
        watch.start()
    running.start()
    try:
        asyncio.run(serve(app, http=settings.http, rest_port=settings.rest_port))
    finally:
        running.stop(seconds=settings.stop_seconds)
    code = EXIT_FENCED if running.fenced else EXIT_FAILED if running.failures else 0
    if running.left_behind:
        logging.get_logger(__name__).warning("stopped without waiting longer", sources=running.left_behind)
        sys.stderr.flush()
        os._exit(code)  # the writers' own threads would be waited for
    return code


def _wait(settings: Settings, parsed: argparse.Namespace) -> int:
    report.wait_for(bootstrap.tables(settings), bootstrap.progress(settings), deadline_seconds=parsed.timeout_seconds)
    return 0


def _files(settings: Settings, parsed: argparse.Namespace) -> int:
    form = Form(parsed.format, parsed.encoding, parsed.delimiter)
    try:
        request = Request(
            file_table(parsed.table), form.checked(), parsed.changed, parsed.renamed, parsed.reload_removed
        )
        found = find(parsed.glob)
    except InvalidArgument as error:
        return _refuse(error.detail, EXIT_USAGE)
    load = bootstrap.file_load(settings, request, lambda line: _tell(f"files: {line}"))
    return EXIT_FAILED if load.run(found).refused else 0


def _tell(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def _refuse(detail: str, code: int) -> int:
    _tell(f"ingest: {detail}")
    return code


if __name__ == "__main__":
    sys.exit(main())
