"""Users of the shop: updates, deletes, re-inserts, values that were not sent, broken rows, and who shares what."""

import json
import random
from datetime import date

from bronze_builders import Row, a_user
from transform import bronze
from transform_torture.delivery import Log, a_moment

USERS = 4
# Of all histories: identity weighs a name by how many have it.
_LAST_NAMES = ("Lee", "Leigh", "Okafor", "Novak", "Ibsen", "Castellanos")
# Columns that ingest may leave out of an update.
_LARGE = ("street", "city", "email", "phone", "loyalty_number")


def user_id(history: int, number: int) -> int:
    """The id of a user of a history."""
    return history * 100 + number


def contacts(history: int, chance: random.Random) -> Row:
    """An e-mail address, a phone and a loyalty number out of few, in one of their spellings: some are shared."""
    mail = chance.choice("aabcd")
    spelled = chance.choice(
        (f"{mail}@h{history}.example", f" {mail.upper()}@H{history}.example", f"{mail}+x@h{history}.example")
    )
    digit = chance.choice("1123")
    phone = chance.choice((f"2125{history:02d}000{digit}", f"+1 (212) 5{history:02d}-000{digit}", None))
    return {
        "email": chance.choice((spelled, spelled, None)),
        "phone": phone,
        "loyalty_number": _loyalty(history, chance),
    }


def _loyalty(history: int, chance: random.Random) -> str | None:
    return chance.choice((None, None, f"L{history}-{chance.randrange(3)}"))


def users(log: Log) -> None:
    """The changes of all users, one user's between the others'."""
    now = {number: _new(log, number) for number in range(USERS)}
    for _ in range(log.chance.randrange(6, 18)):
        number = log.chance.randrange(USERS)
        now[number] = _step(log, number, now[number])


def _new(log: Log, number: int) -> Row:
    row = a_user(user_id(log.history, number)) | _said(log) | contacts(log.history, log.chance)
    chance = log.chance
    born = chance.choice((date(1980, 5, 17), date(1962, log.history % 12 + 1, 3), None))
    return row | {
        "created_at": chance.choice((a_moment(chance), None)),
        "last_name": chance.choice(_LAST_NAMES),
        "birth_date": born,
    }


def _said(log: Log) -> Row:
    chance = log.chance
    return {
        "updated_at": a_moment(chance),
        "city": chance.choice(("Rome", "Troy", None)),
        "first_name": chance.choice(("Ann", "Anna")),
        "marketing_consent": chance.choice((True, False, None)),
    }


def _step(log: Log, number: int, now: Row) -> Row:
    chance = log.chance
    what = chance.choices(("update", "same", "delete", "insert", "partial", "broken"), (6, 1, 2, 1, 2, 1))[0]
    if what == "delete":
        log.add(bronze.USERS, now | {"_op": "d", "closed_at": chance.choice((None, a_moment(chance)))})
        return now
    if what == "broken":
        log.add(bronze.USERS, now | {"_op": "u"} | chance.choice(_BROKEN))
        return now
    changed = now | ({} if what == "same" else _said(log))
    if chance.random() < 0.4:
        changed |= contacts(log.history, chance)
    if what == "insert":
        changed = _new(log, number)
    sent = changed | {"_op": "c" if what == "insert" else "u"}
    if what == "partial":
        left_out = chance.sample(_LARGE, chance.randrange(1, 4))
        sent |= dict.fromkeys(left_out) | {"_unchanged": json.dumps(left_out)}
        changed |= {name: now.get(name) for name in left_out}
    log.add(bronze.USERS, sent)
    return changed


_BROKEN: tuple[Row, ...] = ({"updated_at": None}, {"birth_date": date(201, 1, 1)}, {"user_id": None})
