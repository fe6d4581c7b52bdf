"""`python -m customer360 <verb>`: load a release, serve it, say what is loaded, mint a sign-in code."""

import argparse
import asyncio
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from shopsphere_kit import logging, serving
from shopsphere_kit.clock import SystemClock
from shopsphere_kit.errors import ShopSphereError
from shopsphere_kit.settings import read

from customer360 import bootstrap, contact, loader
from customer360.directory import LOOKUP_SCOPE, PROFILES_SCOPE
from customer360.errors import NothingLoaded
from customer360.settings import Settings
from customer360.store import ProfileStore


def main(arguments: list[str] | None = None) -> int:
    """Run one verb; the exit code is 0, 1 after an error that names its remedy, 2 for wrong settings."""
    options = _parser().parse_args(arguments)
    settings = read(Settings)
    logging.configure("customer360", settings.runtime.log_level)
    try:
        options.run(settings, options)
    except ShopSphereError as error:
        sys.stderr.write(f"customer360: {error.detail}\n")
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m customer360", description=__doc__)
    verbs = parser.add_subparsers(required=True, metavar="verb")
    load = _verb(verbs, "load", _load, "copy a gold release into the store and make it the current one")
    load.add_argument("--release", metavar="ID", help="the release to load (default: the newest)")
    load.add_argument("--force", action="store_true", help="load again even when the release is already current")
    _verb(verbs, "serve", _serve, "answer REST, gRPC and the dashboard until SIGTERM")
    _verb(verbs, "status", _status, "print what is loaded, as JSON")
    code = _verb(verbs, "signin-code", _signin_code, "print a one-time sign-in link to the dashboard")
    code.add_argument("--scope", action="append", help=f"repeatable; default {PROFILES_SCOPE} and {LOOKUP_SCOPE}")
    code.add_argument("--json", action="store_true", help="print code, url, scopes and expires_at as JSON")
    return parser


def _verb(verbs: Any, name: str, run: Callable[..., None], text: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = verbs.add_parser(name, help=text, description=text)
    parser.set_defaults(run=run)
    return parser


def _load(settings: Settings, options: argparse.Namespace) -> None:
    catalog, release = bootstrap.open_lake(settings, options.release)
    key = bootstrap.lookup_key(settings)
    store = bootstrap.open_store(settings)
    try:
        loaded = _current(store)
        if not options.force and loaded == (release.release_id, contact.key_fingerprint(key)):
            sys.stdout.write(f"{release.release_id} is loaded already\n")
            return
        with _progress() as report:
            profiles = loader.load(catalog, release, store, key, report)
        sys.stdout.write(f"{release.release_id} loaded: {profiles:,} profiles\n")
    finally:
        store.close()


def _serve(settings: Settings, _: argparse.Namespace) -> None:
    asyncio.run(_serve_until_stopped(settings))


async def _serve_until_stopped(settings: Settings) -> None:
    store = bootstrap.open_store(settings)
    doors = bootstrap.build_doors(settings, store)
    try:
        await serving.serve(doors.app, http=settings.http, rest_port=settings.rest_port, grpc_server=doors.grpc_server)
    finally:
        store.close()


def _status(settings: Settings, _: argparse.Namespace) -> None:
    store = bootstrap.open_store(settings)
    try:
        info = store.current().info
    finally:
        store.close()
    body = {
        "release_id": info.release.release_id,
        "created_at": info.release.created_at.isoformat(),
        "profiles": info.profiles,
        "key_matches": info.key_fingerprint == contact.key_fingerprint(bootstrap.lookup_key(settings)),
    }
    sys.stdout.write(json.dumps(body) + "\n")


def _signin_code(settings: Settings, options: argparse.Namespace) -> None:
    access = bootstrap.open_access(settings, SystemClock())
    code, ticket = access.mint(options.scope or [PROFILES_SCOPE, LOOKUP_SCOPE])
    if not options.json:
        sys.stdout.write(access.link(code) + "\n")
        return
    body = {
        "code": code,
        "url": access.link(code),
        "scopes": sorted(ticket.scopes),
        "expires_at": ticket.expires_at.isoformat(),
    }
    sys.stdout.write(json.dumps(body) + "\n")


def _current(store: ProfileStore) -> tuple[str, str] | None:
    try:
        info = store.current().info
    except NothingLoaded:
        return None
    return info.release.release_id, info.key_fingerprint


@contextmanager
def _progress() -> Iterator[loader.Progress]:
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("Starting", total=None)

        def report(step: str, done: int, total: int) -> None:
            bar.update(task, description=step, completed=done, total=total or None)

        yield report


if __name__ == "__main__":
    sys.exit(main())
