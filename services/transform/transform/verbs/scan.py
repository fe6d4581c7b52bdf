"""`python -m transform scan`: does any byte of the lake hold one of these texts?"""

import argparse
import sys
from pathlib import Path
from typing import Any

from shopsphere_kit.errors import InvalidArgument

from transform import bootstrap
from transform.scanner.canaries import Canaries
from transform.scanner.scan import Scan
from transform.settings import Settings
from transform.verbs.printing import print_json
from transform.warehouse import Warehouse


def add(verbs: Any) -> None:
    """Add the verb's parser."""
    parser = verbs.add_parser("scan", help="look for texts in every file of the warehouse and in the catalog")
    parser.add_argument("--canary", action="append", default=[], metavar="TEXT", help="a text to look for; repeat it")
    parser.add_argument(
        "--canaries-from", type=Path, metavar="FILE", help="a file with one text per line; - is the input"
    )
    parser.set_defaults(act=run)


def run(settings: Settings, chosen: argparse.Namespace) -> int:
    """Print what was looked at and what was found, by number of the text; 1 when anything was."""
    texts = [*chosen.canary, *_lines(chosen.canaries_from)]
    if not texts:
        raise InvalidArgument("nothing to look for; give --canary TEXT or --canaries-from FILE", field="canary")
    catalog = bootstrap.catalog(settings)
    findings = Scan(catalog, Warehouse(catalog, settings.lake.warehouse), Canaries(texts)).run()
    print_json(findings.as_json())
    return 1 if findings.hits else 0


def _lines(file: Path | None) -> list[str]:
    if file is None:
        return []
    text = sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
    return [line for line in map(str.strip, text.splitlines()) if line]
