"""The report of a run: every figure read back from the place it names."""

import json
from typing import Any

from shopsphere_kit.lake import GOLD, SILVER, latest_release, open_catalog
from shopsphere_kit.settings import LakeSettings

from shopsphere_local.demo import conservation
from shopsphere_local.demo.checkout import average_precision, fraudulent_orders, offered_orders, scoring_start
from shopsphere_local.demo.equality import differing_rows, repeated_positions
from shopsphere_local.demo.lakehouse import Lakehouse, query
from shopsphere_local.demo.platform_run import PlatformRun
from shopsphere_local.demo.stock import Item, expected_stock
from shopsphere_local.process import ProcessFailed


def assemble(run: PlatformRun) -> dict[str, Any]:
    """Read back what a run left behind."""
    with run.progress.step("report", "Reading every figure back"):
        lake = open_lakehouse(run)
        bronze = lake.bronze_counts()
        silver = lake.published_counts(SILVER)
        gold: dict[str, Any] = dict(lake.published_counts(GOLD))
        gold |= {"fact_order": lake.fact_order(), "dim_users": lake.dim_users()}
        parts = {
            "days": run.days,
            "input": input_figures(run),
            "bridge": bridge(run),
            "bronze": bronze,
            "silver": silver,
            "gold": gold,
            "release": lake.release.release_id,
            "conservation": hops(run, lake, silver, gold),
            "differing_rows": differing_rows(lake, run.dsn, run.mongo_uri),
            "repeated_positions": repeated_positions(lake, [name for name in bronze if name != "quarantine"]),
            "inventory": inventory(run, lake),
            "fraud": fraud(run, lake),
            "customer360": customer360(run),
            "endpoints": run.endpoints,
        }
    return parts | {"seconds": dict(run.progress.seconds)}


def open_lakehouse(run: PlatformRun) -> Lakehouse:
    """The lakehouse of the run, pinned to its newest release."""
    variables = run.stack.environment("transform")
    settings = LakeSettings(
        catalog_uri=variables["SHOPSPHERE_LAKE_CATALOG_URI"], warehouse=variables["SHOPSPHERE_LAKE_WAREHOUSE"]
    )
    catalog = open_catalog(settings)
    release = latest_release(catalog)
    if release is None:
        raise ProcessFailed("transform", "published no release", run.stack.state.logs / "transform.log")
    return Lakehouse(catalog, release)


def input_figures(run: PlatformRun) -> dict[str, Any]:
    """What the package's files hold for the chosen days."""
    figures = run.journey.input_figures()
    return {**figures, "sales_value": str(figures["sales_value"])}


def bridge(run: PlatformRun) -> dict[str, dict[str, Any]]:
    """The named differences between the input and the facts."""
    return {name: {**line, "amount": str(line["amount"])} for name, line in run.journey.bridge().items()}


def hops(
    run: PlatformRun, lake: Lakehouse, silver: dict[str, int], gold: dict[str, Any]
) -> dict[str, conservation.HopCounts]:
    """The balance of every hop."""
    return {
        **conservation.postgres_hops(lake, run.dsn),
        **conservation.mongo_hop(lake, run.mongo_uri),
        **conservation.kafka_hops(lake, run.bootstrap),
        **conservation.stock_hop(run.bootstrap, audit(run)),
        **conservation.decisions_hop(lake, offered_orders(run.dsn, scoring_start(run.days))),
        **conservation.silver_hops(lake, silver),
        **conservation.gold_hops(lake, silver, gold),
    }


def audit(run: PlatformRun) -> dict[str, Any]:
    """What `python -m inventory audit` found in Redis."""
    found: dict[str, Any] = output_lines(run, "audit")[-1]
    return found


def inventory(run: PlatformRun, lake: Lakehouse) -> dict[str, Any]:
    """The audit's figures from Redis, what the movements in bronze add up to, key by key, and what silver says."""
    expected = expected_stock(lake)
    lines = map(json.loads, run.stock_by_key.read_text(encoding="utf-8").splitlines())
    on_hand = {Item(line["sku"], line["location"]): line["on_hand"] for line in lines}
    compared = output_lines(run, "reconcile")[-1]
    return {
        **audit(run),
        "keys_expected": len(expected),
        "units_expected": sum(expected.values()),
        "keys_differing": sum(on_hand.get(item) != expected.get(item) for item in on_hand.keys() | expected.keys()),
        "keys_compared_with_release": compared["items"],
        "keys_newer_than_release": compared["explained"],
        "keys_unlike_release": compared["unexplained"],
    }


def fraud(run: PlatformRun, lake: Lakehouse) -> dict[str, Any]:
    """Decisions in bronze, their precision against the truth, and how many scores differ from the offline ones."""
    rows = lake.records("bronze_kafka__fraud_decisions", ("value",))
    decisions = [json.loads(value) for (value,) in query("SELECT decode(value) FROM rows", {"rows": rows})]
    served = {decision["order_id"]: decision["score_bits"] for decision in decisions}
    offline = {line["order_id"]: line["score_bits"] for line in output_lines(run, "rescore")}
    scores = {each["order_id"]: each["score"] for each in decisions if each["score"] is not None}
    counts: dict[str, int] = {}
    for decision in decisions:
        counts[decision["decision"]] = counts.get(decision["decision"], 0) + 1
    return {
        "offered": offered_orders(run.dsn, scoring_start(run.days)),
        "scored": len(served),
        "decisions": dict(sorted(counts.items())),
        "fraudulent": len(fraudulent_orders(run.truth) & served.keys()),
        "average_precision": average_precision(scores, fraudulent_orders(run.truth)),
        "skew_mismatches": sum(served.get(order) != offline.get(order) for order in served.keys() | offline.keys()),
        "model_version": decisions[-1]["model_version"] if decisions else None,
    }


def customer360(run: PlatformRun) -> dict[str, Any]:
    """What the profile store says of itself, over its own door."""
    return run.profile_store


def output_lines(run: PlatformRun, job: str) -> list[dict[str, Any]]:
    """What a job printed, as JSON lines."""
    return [json.loads(line) for line in run.jobs[job].text().splitlines()]
