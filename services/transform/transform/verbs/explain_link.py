"""`python -m transform explain-link A B`: why two source users are one customer, or two."""

import argparse
import sys

from shopsphere_kit import lake as kit_lake

from transform import bootstrap
from transform.errors import UnknownSourceUser
from transform.identity import arrow
from transform.identity.explanation import as_text, explain
from transform.settings import Settings
from transform.tables import identity_links, identity_records
from transform.verbs.pinning import pinned

_ABOUT = """Compares two source users as the newest release knows them: each attribute, how far it agrees and what that
weighs in bits against a stranger and against a housemate, the part of it that the frequency of the value makes, the
sums, the threshold, and the way from one to the other when other records connect them. Source users are written as
SOURCE:ID, for example shop:12 and marketplace:B-12."""


def add(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Describe the verb."""
    verb = verbs.add_parser("explain-link", help="why two source users are one customer or two", description=_ABOUT)
    verb.add_argument("one", help="a source user: shop:12")
    verb.add_argument("other", help="another one: marketplace:B-12")
    verb.set_defaults(act=run)


def run(settings: Settings, chosen: argparse.Namespace) -> int:
    """Print the comparison."""
    catalog = bootstrap.catalog(settings)
    newest = pinned(catalog)
    records = kit_lake.scan_release(catalog, newest, identity_records.TABLE.name, arrow.RECORDS.names)
    links = kit_lake.scan_release(catalog, newest, identity_links.TABLE.name, arrow.LINKS.names)
    resolver = arrow.resolver(records.cast(arrow.RECORDS), links.cast(arrow.LINKS))
    for user in (chosen.one, chosen.other):
        if user not in resolver.population.slot_of:
            raise UnknownSourceUser(f"release {newest.release_id} has no source user {user}; write it as shop:12")
    sys.stdout.write(as_text(explain(resolver, chosen.one, chosen.other)) + "\n")
    return 0
