"""What must hold for a run to count as good; every failure is a sentence with both figures."""

from decimal import Decimal
from typing import Any


def failures(report: dict[str, Any]) -> list[str]:
    """Return what does not hold in a report; empty when all is well."""
    return [
        *_conservation(report["conservation"]),
        *_equality(report),
        *_money(report),
        *_stock(report["inventory"]),
        *_fraud(report["fraud"]),
        *_profiles(report),
        *_endpoints(report["endpoints"]),
    ]


def _conservation(hops: dict[str, dict[str, int]]) -> list[str]:
    return [
        f"{name}: {hop['in']} in, {hop['out']} out and {hop['quarantined']} quarantined"
        for name, hop in hops.items()
        if hop["in"] != hop["out"] + hop["quarantined"]
    ]


def _equality(report: dict[str, Any]) -> list[str]:
    differing = [
        f"{name}: {count} rows differ between the source and bronze"
        for name, count in report["differing_rows"].items()
        if count
    ]
    repeated = [
        f"{name}: {count} rows repeat a position" for name, count in report["repeated_positions"].items() if count
    ]
    return differing + repeated


def _money(report: dict[str, Any]) -> list[str]:
    lines = report["bridge"].values()
    fact, given = report["gold"]["fact_order"], report["input"]
    amount = Decimal(given["sales_value"]) + sum((Decimal(line["amount"]) for line in lines), Decimal())
    expected = {
        "rows": given["lines"] + sum(line["lines"] for line in lines),
        "quantity": given["quantity"] + sum(line["quantity"] for line in lines),
    }
    found = [
        f"fact_order.{name}: {fact[name]}, the input and the named lines give {value}"
        for name, value in expected.items()
        if fact[name] != value
    ]
    if Decimal(fact["total_amount"]) != amount:
        found.append(f"fact_order.total_amount: {fact['total_amount']}, the input and the named lines give {amount}")
    return found


def _stock(inventory: dict[str, Any]) -> list[str]:
    found = []
    if inventory["units_on_hand"] != inventory["units_expected"]:
        found.append(
            f"stock: {inventory['units_on_hand']} on hand, the movements fold to {inventory['units_expected']}"
        )
    if inventory["keys"] != inventory["keys_expected"]:
        found.append(f"stock: {inventory['keys']} skus at locations, the movements name {inventory['keys_expected']}")
    if inventory["keys_differing"]:
        found.append(f"stock: {inventory['keys_differing']} skus at locations differ from the fold of the movements")
    if inventory["differences"]:
        found.append(f"stock: the audit found {inventory['differences']} differences between state and journal")
    if inventory["keys_unlike_release"]:
        found.append(
            f"stock: {inventory['keys_unlike_release']} of {inventory['keys_compared_with_release']} skus at locations "
            "differ from the release, and no newer movement explains it"
        )
    return found


def _fraud(fraud: dict[str, Any]) -> list[str]:
    found = []
    if fraud["skew_mismatches"]:
        found.append(f"fraud: {fraud['skew_mismatches']} served scores differ from the offline scores")
    if fraud["scored"] != fraud["offered"]:
        found.append(f"fraud: {fraud['offered']} web orders at checkout, {fraud['scored']} decisions in the lake")
    return found


def _profiles(report: dict[str, Any]) -> list[str]:
    profiles, rows = report["customer360"]["profiles"], report["gold"]["customer_360"]
    found = []
    if profiles != rows:
        found.append(f"customer360: serves {profiles} profiles of {rows}")
    if report["customer360"]["release"] != report["release"]:
        found.append(f"customer360: serves {report['customer360']['release']}, the lake's is {report['release']}")
    return found


def _endpoints(endpoints: dict[str, dict[str, str]]) -> list[str]:
    return [
        f"{service} {door}: {answer}"
        for service, doors in endpoints.items()
        for door, answer in doors.items()
        if answer != "ok"
    ]
