"""What an operator asks of the state from the command line, and low-stock, which is set. Answers are JSON lines."""

import argparse
import asyncio
import json
import sys
import time
from dataclasses import asdict
from typing import Any, Protocol

from shopsphere_kit.topics import STOCK_MOVEMENTS, STOCK_MOVEMENTS_DLQ

from inventory import bootstrap, dead_letters, rebuilding
from inventory.content import measure
from inventory.dead_letters import KafkaReplay, Selection
from inventory.rebuilding import Filled
from inventory.reconcile import Reconciliation, reconcile
from inventory.redis_contents import RedisContents
from inventory.redis_store import RedisStockStore
from inventory.settings import Settings
from inventory.stock import UNITS_MAX

# Differences that are printed; they are counted all.
_SHOWN = 100
_PROGRESS_SECONDS = 1.0


class Verbs(Protocol):
    """What argparse's subparsers do."""

    def add_parser(self, name: str, *, help: str) -> argparse.ArgumentParser:  # noqa: A002 - argparse's name
        """Add one verb."""
        ...


def add(verbs: Verbs) -> None:
    """Describe the verbs; each knows the function that runs it."""
    dlq = verbs.add_parser("dlq", help="list the dead letters of stock-movements, one JSON object a line")
    dlq.add_argument("--reason", help="only letters that were set aside for this reason")
    dlq.add_argument("--limit", type=_count, help="at most so many, the oldest first")
    dlq.add_argument("--replay", action="store_true", help="send those that are movements today to stock-movements")
    dlq.add_argument("--dry-run", action="store_true", help="with --replay: tell what would be sent, and send nothing")
    dlq.set_defaults(run=_dlq)
    rebuild = verbs.add_parser("rebuild", help="fill an empty Redis with every record of stock-movements")
    rebuild.add_argument("--from", dest="origin", choices=("kafka", "lake"), default="kafka", help="where records are")
    rebuild.set_defaults(run=_rebuild)
    verbs.add_parser("hash", help="hash what the topic tells of the state").set_defaults(run=_hash)
    reconcile = verbs.add_parser("reconcile", help="compare on hand with the lake's newest release")
    reconcile.set_defaults(run=_reconcile)
    low_stock = verbs.add_parser("low-stock", help="tell as low what has so many units to promise, or fewer")
    low_stock.add_argument("units", type=_units, help="0 to 1,000,000,000; 0, the default, is sold out")
    low_stock.set_defaults(run=_low_stock)


def _count(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return value


def _units(text: str) -> int:
    value = int(text)
    if not 0 <= value <= UNITS_MAX:
        raise argparse.ArgumentTypeError(f"must be 0 to {UNITS_MAX}")
    return value


def _dlq(arguments: argparse.Namespace, settings: Settings) -> int:
    asyncio.run(_letters(arguments, settings))
    return 0


async def _letters(arguments: argparse.Namespace, settings: Settings) -> None:
    selection = Selection(arguments.reason, arguments.limit)
    async with bootstrap.open_reader(settings, STOCK_MOVEMENTS_DLQ.name) as reader:
        if not arguments.replay:
            await dead_letters.show(reader, selection, _print)
        elif arguments.dry_run:
            await dead_letters.replay(reader, selection, None, _print)
        else:
            async with bootstrap.open_producer(settings) as producer:
                await dead_letters.replay(reader, selection, KafkaReplay(producer), _print)


def _rebuild(arguments: argparse.Namespace, settings: Settings) -> int:
    asyncio.run(_fill_and_hash(settings, arguments.origin))
    return 0


async def _fill_and_hash(settings: Settings, origin: str) -> None:
    async with bootstrap.open_redis(settings) as client:
        store = await RedisStockStore.open(client, settings.retention)
        await rebuilding.refuse_unless_empty(store)
        filled = await (_from_topic(settings, store) if origin == "kafka" else _from_lake(store))
        _print(_figures(filled) | asdict(await measure(RedisContents(client))))


async def _from_topic(settings: Settings, store: RedisStockStore) -> Filled:
    async with bootstrap.open_reader(settings, STOCK_MOVEMENTS.name) as reader:
        extent = await reader.extent()
        rebuilding.refuse_if_truncated(extent)
        return await rebuilding.fill(store, rebuilding.values_of(reader.chunks(extent)), Meter(extent.records))


async def _from_lake(store: RedisStockStore) -> Filled:
    from inventory import lake_stock  # noqa: PLC0415 - serving must not load Arrow, 80 MB

    rows = bootstrap.from_lake(lake_stock.recorded)
    return await rebuilding.fill(store, lake_stock.values_of(rows), Meter(rows.num_rows))


def _hash(_: argparse.Namespace, settings: Settings) -> int:
    asyncio.run(_hashed(settings))
    return 0


async def _hashed(settings: Settings) -> None:
    async with bootstrap.open_redis(settings) as client:
        _print(asdict(await measure(RedisContents(client))))


def _reconcile(_: argparse.Namespace, settings: Settings) -> int:
    found = asyncio.run(_reconciled(settings))
    _print(asdict(found) | {"differences": [asdict(each) for each in found.differences[:_SHOWN]]})
    return 1 if found.unexplained else 0


async def _reconciled(settings: Settings) -> Reconciliation:
    from inventory.lake_stock import newest  # noqa: PLC0415 - serving must not load Arrow, 80 MB

    released = bootstrap.from_lake(newest)
    async with bootstrap.open_redis(settings) as client:
        store = await RedisStockStore.open(client, settings.retention)
        return await reconcile(RedisContents(client), store, released)


class Meter:
    """Tells on standard error how far a rebuild is, once a second."""

    def __init__(self, records: int) -> None:
        self._total = f" of {records:,}"
        self._started = self._told = time.monotonic()

    def __call__(self, done: int) -> None:
        """Call after each batch."""
        now = time.monotonic()
        if now - self._told >= _PROGRESS_SECONDS:
            self._told = now
            sys.stderr.write(f"rebuild: {done:,}{self._total} records, {done / (now - self._started):,.0f}/s\n")


def _figures(filled: Filled) -> dict[str, Any]:
    tally = asdict(filled.tally)
    del tally["skipped"]
    return tally | {"seconds": round(filled.seconds, 3), "records_per_second": filled.records_per_second}


def _print(line: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(line) + "\n")


def _low_stock(arguments: argparse.Namespace, settings: Settings) -> int:
    asyncio.run(_set_low_stock(settings, arguments.units))
    return 0


async def _set_low_stock(settings: Settings, units: int) -> None:
    async with bootstrap.open_redis(settings) as client:
        await (await RedisStockStore.open(client, settings.retention)).set_low_stock(units)
    _print({"low_stock": units})
