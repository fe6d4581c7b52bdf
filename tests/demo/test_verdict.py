"""Each promise of the report, broken on purpose, is told with both figures."""

import copy
from typing import Any

import pytest
from shopsphere_local.demo.verdict import failures

GOOD: dict[str, Any] = {
    "input": {"lines": 10, "quantity": 30, "sales_value": "100.00"},
    "bridge": {
        "fraud_uplift": {"lines": 0, "quantity": 4, "amount": "20.00"},
        "returns": {"lines": 1, "quantity": -1, "amount": "-5.50"},
    },
    "gold": {"fact_order": {"rows": 11, "quantity": 33, "total_amount": "114.50"}, "customer_360": 7},
    "release": "R1",
    "differing_rows": {"postgres.users": 0},
    "repeated_positions": {"bronze_x": 0},
    "conservation": {"a → b": {"in": 5, "out": 4, "quarantined": 1}},
    "inventory": {
        "differences": 0, "keys_differing": 0, "keys_compared_with_release": 3, "keys_unlike_release": 0,
        "keys": 3, "keys_expected": 3, "units_on_hand": 40, "units_expected": 40,
    },
    "fraud": {"offered": 3, "scored": 3, "skew_mismatches": 0},
    "customer360": {"profiles": 7, "release": "R1"},
    "endpoints": {"inventory": {"rest": "ok", "grpc": "ok"}},
}  # fmt: skip


def test_a_report_that_adds_up_has_no_failures() -> None:
    assert failures(GOOD) == []


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (("conservation", "a → b", "out"), 3, "a → b: 5 in, 3 out and 1 quarantined"),
        (("gold", "fact_order", "total_amount"), "114.51", "114.51"),
        (("gold", "fact_order", "rows"), 12, "fact_order.rows: 12"),
        (("gold", "fact_order", "quantity"), 34, "fact_order.quantity: 34"),
        (("inventory", "units_on_hand"), 41, "41 on hand, the movements fold to 40"),
        (("inventory", "keys"), 2, "2 skus at locations"),
        (("inventory", "keys_differing"), 2, "2 skus at locations differ"),
        (("differing_rows", "postgres.users"), 1, "postgres.users: 1 rows differ"),
        (("repeated_positions", "bronze_x"), 3, "bronze_x: 3 rows repeat a position"),
        (("inventory", "differences"), 1, "1 differences between state and journal"),
        (("inventory", "keys_unlike_release"), 1, "1 of 3 skus at locations differ from the release"),
        (("fraud", "skew_mismatches"), 1, "1 served scores differ"),
        (("fraud", "scored"), 2, "3 web orders at checkout, 2 decisions"),
        (("customer360", "profiles"), 6, "serves 6 profiles of 7"),
        (("customer360", "release"), "R0", "serves R0, the lake's is R1"),
        (("endpoints", "inventory", "grpc"), "AioRpcError: away", "inventory grpc: AioRpcError: away"),
    ],
    ids=lambda part: ".".join(part) if isinstance(part, tuple) else None,
)
def test_what_does_not_hold_is_said(path: tuple[str, ...], value: object, said: str) -> None:
    report = copy.deepcopy(GOOD)
    place = report
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    assert [sentence for sentence in failures(report) if said in sentence]
