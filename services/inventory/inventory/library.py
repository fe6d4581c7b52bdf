"""The Redis library that holds the rules: the files of `functions/` as one, and how it gets into Redis."""

import re
from pathlib import Path

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from inventory.errors import StockUnavailable

NAME = "shopsphere_inventory"
# Lua has no imports here: what a file uses stands in one before it.
FILES = ("state", "fence", "terms", "holds", "reservations", "reads", "movements", "adjustments", "changes", "registry")
SOURCE = "\n".join((Path(__file__).parent / "functions" / f"{name}.lua").read_text() for name in FILES)
VERSION = int(re.findall(r"^local VERSION = (\d+)$", SOURCE, re.MULTILINE)[0])


async def load(client: Redis) -> None:
    """Put our library into Redis unless it is there; raises StockUnavailable when Redis holds a newer one.

    A newer library means that newer processes share this Redis: replacing it would pull the rules from under them.
    """
    present = await installed_version(client)
    if present is not None and present > VERSION:
        raise StockUnavailable(f"Redis holds version {present} of {NAME}, this process speaks {VERSION}: upgrade it")
    found = await client.function_list(NAME, withcode=True)
    if SOURCE.encode() not in _codes(found):
        await client.function_load(SOURCE, replace=True)


async def installed_version(client: Redis) -> int | None:
    """The version of the library that Redis holds, or None."""
    try:
        return int(await client.fcall("inventory_version", 0))
    except ResponseError as error:
        if "not found" in str(error).lower():
            return None
        raise


def _codes(found: object) -> list[bytes]:
    """Every byte string in FUNCTION LIST's answer, whose nesting differs between protocol versions."""
    if isinstance(found, bytes):
        return [found]
    if isinstance(found, dict):
        return [code for value in found.values() for code in _codes(value)]
    if isinstance(found, list):
        return [code for value in found for code in _codes(value)]
    return []
