"""`python -m transform erase`: forget a person, in every snapshot of every table; the receipt is printed and kept."""

import argparse
from datetime import timedelta
from typing import Any

from shopsphere_kit.clock import SystemClock
from shopsphere_kit.errors import InvalidArgument

from transform import bootstrap
from transform.erasure import receipts
from transform.erasure.erase import Erasure, Request
from transform.settings import Settings
from transform.verbs.printing import print_json
from transform.warehouse import Warehouse

# The rows of these users in silver and gold then follow from the bronze that is left; a scan may come after it.
_NEXT = "python -m transform run --restate --keys silver.person_changes="


def add(verbs: Any) -> None:
    """Add the verb's parser."""
    parser = verbs.add_parser("erase", help="forget a person in every snapshot of every table, and keep a receipt")
    parser.add_argument("--customer", action="append", default=[], metavar="C…", help="a customer id; repeat it")
    parser.add_argument("--user", action="append", default=[], metavar="SOURCE:ID", help="shop:12 or marketplace:B-12")
    parser.add_argument("--reference", default="", help="for the receipt: the number of the request; nothing personal")
    parser.add_argument(
        "--orphan-minutes", type=float, default=60, help="remove files that no table names from this age on; default 60"
    )
    parser.add_argument("--no-scan", action="store_true", help="do not search the whole lake at the end")
    parser.set_defaults(act=run)


def run(settings: Settings, chosen: argparse.Namespace) -> int:
    """Erase, keep and print the receipt; 1 when something of the person is left, which another run has to remove."""
    if not chosen.customer and not chosen.user:
        raise InvalidArgument("nobody to forget; give --customer C… or --user shop:12", field="customer")
    key = settings.suppression.key()
    if key is None:
        raise InvalidArgument(
            "SHOPSPHERE_SUPPRESSION_KEY_FILE is not set, so replays would bring the person back; name a key's file",
            field="key_file",
        )
    catalog = bootstrap.catalog(settings)
    request = Request(
        tuple(chosen.customer),
        tuple(chosen.user),
        chosen.reference,
        timedelta(minutes=chosen.orphan_minutes),
        scan=not chosen.no_scan,
    )
    receipt = Erasure(catalog, Warehouse(catalog, settings.lake.warehouse), key, SystemClock()).run(request)
    receipts.keep(catalog, receipt)
    told = {**receipt.as_json(), "complete": receipt.is_complete, "next": _NEXT + ",".join(receipt.restate)}
    print_json(told)
    return 0 if receipt.is_complete else 1
