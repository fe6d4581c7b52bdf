"""What a seed makes of bronze (pure): histories that share no key, and truncates, which empty a table for all of them.

A history is drawn from numbers of its own: leaving others out changes nothing in it.
"""

import random
from datetime import timedelta

from ingest_torture.chance import stream
from transform import bronze
from transform_torture.delivery import HISTORIES_MAX, Delivery, Log
from transform_torture.people import users
from transform_torture.streams import files, streams
from transform_torture.trade import documents, goods, orders

_KINDS = (users, goods, orders, documents, streams, files)
# The history of rows that belong to all.
NOBODY = HISTORIES_MAX
_TRUNCATED = 0.12
_AGAIN = 0.08


def history(seed: int, number: int) -> list[Delivery]:
    """All rows of one history, in the order of their sources, those that come again twice."""
    made: list[Delivery] = []
    for kind in _KINDS:
        # Each kind has a log of its own, so what happens in one database happens between what happens in the others.
        log = Log(number, stream(seed, number, kind.__name__))
        kind(log)
        made += log.deliveries()
    chance = stream(seed, number, "again")
    return made + [_again(one, chance) for one in made if chance.random() < _AGAIN]


def _again(one: Delivery, chance: random.Random) -> Delivery:
    later = {"_ingested_at": one.row["_ingested_at"] + timedelta(hours=chance.randrange(3))}
    return Delivery(one.history, one.table, one.row | later, one.progress)


def truncates(seed: int) -> list[Delivery]:
    """Truncates of tables, and of some more than one."""
    log = Log(NOBODY, stream(seed, "truncates"))
    emptied = [name for name in bronze.LOGS for _ in range(2) if log.chance.random() < _TRUNCATED]
    log.chance.shuffle(emptied)
    for name in emptied:
        log.add(name, {"_op": "t"})
    return log.deliveries()
