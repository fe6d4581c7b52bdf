"""The command line: `python -m fraud <verb>`."""

import argparse
import asyncio
import json
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from shopsphere_kit import logging
from shopsphere_kit.errors import ShopSphereError
from shopsphere_kit.settings import read

from fraud import bootstrap, jobs
from fraud.features import DAY_MS
from fraud.orders import Label, Order
from fraud.settings import Settings
from fraud.units import END_OF_TIME_MS, epoch_ms


def moment(text: str) -> int:
    """Read an RFC 3339 time as epoch milliseconds; without an offset it is UTC."""
    read = datetime.fromisoformat(text)
    return epoch_ms(read if read.tzinfo else read.replace(tzinfo=UTC))


def parser() -> argparse.ArgumentParser:
    """Describe the verbs."""
    root = argparse.ArgumentParser(prog="python -m fraud", description="Scores orders at checkout.")
    verbs = root.add_subparsers(dest="verb", required=True)
    train = verbs.add_parser("train", help="train a model on a release and make it the current one")
    train.add_argument(
        "--until", type=moment, help="train on what was known then, judge on later orders (default: 3/4)"
    )
    train.add_argument("--judge-until", type=moment, help="judge on orders before it (default: all)")
    train.add_argument("--label-delay-days", type=int, help="days before --until to leave out (default: setting)")
    warm = verbs.add_parser("warm", help="load the history before a moment from a release into Redis")
    warm.add_argument("--until", type=moment, required=True, help="orders and labels before this moment are loaded")
    warm.add_argument("--days", type=int, default=90, help="days before --until to load (default: 90)")
    again = verbs.add_parser("rescore", help="score the orders of a time range offline, as JSON lines")
    again.add_argument("--since", type=moment, required=True, help="first moment of the range")
    again.add_argument("--until", type=moment, default=END_OF_TIME_MS, help="the moment after it (default: all)")
    again.add_argument("--model-version", help="the model to use (default: the current one)")
    again.add_argument("--output", type=Path, help="file to write (default: standard output)")
    for verb in (train, warm, again):
        verb.add_argument("--release", help="release id (default: the latest)")
    verbs.add_parser("serve", help="answer REST and gRPC until SIGTERM")
    verbs.add_parser("stream", help="take in labels from Kafka until SIGTERM")
    return root


def read_past(release_id: str | None) -> tuple[str, list[Order], list[Label]]:
    """Read the id, the web orders and the labels of a release, the latest by default."""
    from fraud import silver  # noqa: PLC0415 - serving must not load Arrow

    catalog, pinned = bootstrap.open_lake(release_id)
    return pinned.release_id, silver.read_orders(catalog, pinned), silver.read_labels(catalog, pinned)


def run_train(arguments: argparse.Namespace, settings: Settings) -> None:
    """Train, publish and print the model card."""
    from fraud import training  # noqa: PLC0415 - serving must not load the trainer

    release_id, orders, labels = read_past(arguments.release)
    delay = settings.label_delay_days if arguments.label_delay_days is None else arguments.label_delay_days
    split = training.default_split_ms(orders) if arguments.until is None else arguments.until
    until = END_OF_TIME_MS if arguments.judge_until is None else arguments.judge_until
    plan = training.TrainingPlan(split, until, delay * DAY_MS, release_id)
    trained = training.train(orders, labels, plan)
    bootstrap.registry(settings).publish(trained.content, trained.card)
    sys.stdout.write(trained.card.as_json())


async def run_warm(arguments: argparse.Namespace, settings: Settings) -> None:
    """Load history and print how much."""
    release_id, orders, labels = read_past(arguments.release)
    async with bootstrap.open_store(settings) as store:
        loaded = await jobs.warm(store, orders, labels, until_ms=arguments.until, days=arguments.days)
    sys.stdout.write(json.dumps({"release": release_id, **asdict(loaded)}) + "\n")


def run_rescore(arguments: argparse.Namespace, settings: Settings) -> None:
    """Write one JSON line per order."""
    _, orders, labels = read_past(arguments.release)
    model, _ = bootstrap.registry(settings).load(arguments.model_version)
    again = jobs.rescore(
        orders,
        labels,
        model,
        bootstrap.policy(settings),
        start_ms=arguments.since,
        end_ms=arguments.until,
    )
    with arguments.output.open("wb") if arguments.output else sys.stdout.buffer as out:
        out.writelines(each.as_json() + b"\n" for each in again)


def run_serve(settings: Settings) -> None:
    """Answer REST and gRPC until SIGTERM."""
    from fraud import doors  # noqa: PLC0415 - the other verbs need neither FastAPI nor gRPC

    asyncio.run(doors.serve(settings))


def run_stream(settings: Settings) -> None:
    """Take in labels until SIGTERM."""
    from fraud import stream  # noqa: PLC0415 - the other verbs need no Faust

    asyncio.run(stream.consume(settings))


def main(argv: list[str] | None = None) -> int:
    """Run one verb; a refusal goes to standard error as one line and gives exit status 1."""
    arguments = parser().parse_args(argv)
    settings = read(Settings)
    logging.configure("fraud", settings.runtime.log_level)
    try:
        match arguments.verb:
            case "train":
                run_train(arguments, settings)
            case "warm":
                asyncio.run(run_warm(arguments, settings))
            case "rescore":
                run_rescore(arguments, settings)
            case "serve":
                run_serve(settings)
            case "stream":
                run_stream(settings)
    except ShopSphereError as error:
        sys.stderr.write(f"{error.reason}: {error.detail}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
