"""What lineage says is what happens: a perturbed column of bronze changes the predicted columns and no others."""

import argparse
import os
from collections.abc import Callable
from typing import Any

import pytest
from lineage_builders import World, small_lake
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from transform import bronze, lineage, plans
from transform.declared import ROWS
from transform.errors import UnknownColumn, UnknownPlan
from transform.lineage import Lineage
from transform.tables import TABLES
from transform.verbs.lineage import told

pytestmark = [pytest.mark.servers, pytest.mark.timeout(1800)]
TOTAL = "gold.fact_order.total_amount"
LINE_AMOUNT = f"{bronze.ORDER_ITEMS}.line_amount"
EVERY = [f"{table}.{column}" for table, schema in bronze.SCHEMAS.items() for column in schema.names]
# One of each kind; `make torture-lineage` takes every column of bronze.
SOME = [
    f"{bronze.USERS}.created_at",
    f"{bronze.PRODUCTS}.sku",
    f"{bronze.ORDERS}.status",
    f"{bronze.MARKETPLACE_ORDERS}.document",
    f"{bronze.STOCK_MOVEMENTS}.value",
    LINE_AMOUNT,
    f"{bronze.USERS}.city",
]


@pytest.fixture(scope="module")
def known(spark: SparkSession) -> Lineage:
    return lineage.derive(spark)


@pytest.fixture(scope="module")
def world(spark: SparkSession) -> World:
    return World(spark, small_lake())


@pytest.mark.long
@pytest.mark.parametrize("column", EVERY if os.environ.get("COLUMNS") == "all" else SOME)
def test_nothing_changes_that_was_not_predicted(known: Lineage, world: World, column: str) -> None:
    direct, indirect = known.downstream(column)
    assert world.changed(column) <= {*direct, *indirect}


@pytest.mark.long
@pytest.mark.parametrize(
    ("column", "by"),
    [
        (f"{bronze.STORES}.city", lambda city: city + "x"),
        (f"{bronze.PRODUCTS}.brand", lambda brand: brand and brand + "x"),
        (f"{bronze.PRODUCTS}.department", lambda department: department + "x"),
        (f"{bronze.ORDER_ITEMS}.unit_price", lambda price: price + 1),
        (f"{bronze.ORDERS}.card_token", lambda _: "card-2"),
        (f"{bronze.USERS}.income_band", lambda _: "Under 15K"),
    ],
)
def test_exactly_the_predicted_columns_change(
    known: Lineage, world: World, column: str, by: Callable[[Any], object]
) -> None:
    # Of columns that only some rows let through (a channel's amount, who is the same customer) more is predicted.
    # The quarantine shows rejected rows alone, and none of these is.
    predicted = {name for name in known.downstream(column)[0] if not name.startswith("silver.quarantine.")}
    assert predicted
    assert world.changed(column, by) == predicted


def test_an_amount_comes_from_lines_of_the_shop_documents_of_the_marketplace_and_files(known: Lineage) -> None:
    of_files = {f"{bronze.ONLINE_RETAIL}.Quantity", f"{bronze.ONLINE_RETAIL}.UnitPrice"}
    assert known.origin(TOTAL).direct == {LINE_AMOUNT, f"{bronze.MARKETPLACE_ORDERS}.document", *of_files}


def test_what_finds_the_row_is_told_apart_from_what_is_in_it(known: Lineage) -> None:
    assert f"{bronze.ORDER_ITEMS}.order_id" in known.origin(TOTAL).indirect
    assert f"{bronze.STORES}.city" not in known.origin(TOTAL).all


def test_versions_of_a_user_do_not_mix_the_attributes(known: Lineage) -> None:
    assert known.origin("silver.users_scd.birth_date").direct == {f"{bronze.USERS}.birth_date"}


def test_every_column_of_every_table_is_known_by_its_schema(known: Lineage) -> None:
    assert {table.name: tuple(known.tables[table.name].columns) for table in TABLES} == {
        table.name: tuple(table.schema.names) for table in TABLES
    }


def answer(known: Lineage, column: str, **given: bool) -> list[str]:
    options = {"downstream": False, "flat": False, "json": False, **given}
    return list(told(known, argparse.Namespace(column=column, **options)))


def test_the_way_to_bronze_is_printed_as_a_tree(known: Lineage) -> None:
    lines = answer(known, TOTAL)
    assert lines[:2] == [TOTAL, "└─ silver.orders_unified.total_amount"]
    assert any(line.endswith(f"─ {LINE_AMOUNT}") for line in lines)


def test_a_column_may_be_named_by_its_end(known: Lineage) -> None:
    assert answer(known, "latest_stores.city", downstream=True) == ["gold.dim_stores.city"]
    direct = sorted(known.origin(TOTAL).direct)
    assert answer(known, "fact_order.total_amount", flat=True)[: len(direct)] == direct


def test_an_unknown_column_is_answered_with_those_there_are(known: Lineage) -> None:
    with pytest.raises(UnknownColumn, match=r"columns of gold\.fact_order: order_id, line_number"):
        known.named("gold.fact_order.amount")
    with pytest.raises(UnknownColumn, match=r"may be .* name one of them"):
        known.named("total_amount")


def of(frame: DataFrame, **functions: dict[str, tuple[str, ...]]) -> dict[str, tuple[set[str], set[str]]]:
    """Direct and indirect sources of each column of a frame made of `t(a, b, c)`."""
    found = plans.flow(lineage._analyzed(frame), plans.Inputs({"t": "t"}, functions))
    return {c.name: (set(c.sources.direct), set(c.sources.indirect | found.rows) - {"t.*"}) for c in found.columns}


@pytest.fixture
def t(spark: SparkSession) -> DataFrame:
    return spark.createDataFrame([], "a long, b long, c long").alias("t")


def test_a_condition_is_indirect_and_what_it_chooses_is_direct(t: DataFrame) -> None:
    chosen = t.select(F.when(F.col("a") > 0, F.col("b")).otherwise(F.col("c")).alias("x"))
    assert of(chosen) == {"x": ({"t.b", "t.c"}, {"t.a"})}


def test_filters_joins_and_groups_count_for_every_column(t: DataFrame) -> None:
    assert of(t.where("a > 0").select("b")) == {"b": ({"t.b"}, {"t.a"})}
    assert of(t.groupBy("a").agg(F.sum("b").alias("x")))["x"] == ({"t.b"}, {"t.a"})
    assert of(t.join(t.select("a", F.col("b").alias("y")), "a").select("y"))["y"] == ({"t.b"}, {"t.a"})


def test_a_field_of_a_struct_comes_from_that_field(t: DataFrame) -> None:
    last = t.groupBy("a").agg(F.max_by(F.struct("b", "c"), "a").alias("s")).select("s.c")
    assert of(last) == {"c": ({"t.c"}, {"t.a"})}


def test_of_a_python_function_all_inputs_count_unless_it_is_declared(t: DataFrame) -> None:
    def _made(batches: Any) -> Any:
        return batches

    made = t.select("a", "b").mapInArrow(_made, "x long")
    assert of(made) == {"x": ({"t.a", "t.b"}, {"t.a", "t.b"})}
    assert of(made, _made={"x": ("a",), ROWS: ()}) == {"x": ({"t.a"}, set())}


def test_a_declaration_that_does_not_fit_the_function_is_refused(t: DataFrame) -> None:
    def _made(batches: Any) -> Any:
        return batches

    with pytest.raises(UnknownPlan, match="_made is declared to make x from z; it gets no such"):
        of(t.select("a").mapInArrow(_made, "x long"), _made={"x": ("z",)})


def test_of_rows_that_repeat_the_key_is_indirect(t: DataFrame) -> None:
    assert of(t.dropDuplicates(["a"]).select("b")) == {"b": ({"t.b"}, {"t.a"})}
    assert of(t.join(t.sparkSession.range(3), F.col("a") == F.col("id")).select("id", "b"))["id"] == (set(), {"t.a"})


def test_a_step_that_is_not_known_is_never_guessed_at(t: DataFrame) -> None:
    with pytest.raises(UnknownPlan, match="does not know the step"):
        of(t.select("a").intersect(t.select("b")))
