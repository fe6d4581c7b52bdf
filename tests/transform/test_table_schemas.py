"""What holds of every table, whatever is in it."""

import re
import sys

import pytest
from pyspark.sql.types import ArrayType, DataType, DecimalType, DoubleType, FloatType, StructType
from transform import bronze, tables
from transform.spec import Fold, Table

every_table = pytest.mark.parametrize("table", tables.TABLES, ids=lambda table: table.name)
AMOUNT = re.compile(r"amount|price")


def module_of(table: Table) -> object:
    return sys.modules[table.build.__module__]


def kinds(kind: DataType) -> list[DataType]:
    if isinstance(kind, ArrayType):
        return kinds(kind.elementType)
    if isinstance(kind, StructType):
        return [inner for field in kind.fields for inner in kinds(field.dataType)]
    return [kind]


@every_table
def test_a_table_is_a_module_and_a_function_of_its_name(table: Table) -> None:
    name = table.name.split(".")[1]
    assert (table.build.__module__, table.build.__name__) == (f"transform.tables.{name}", name)


@every_table
def test_a_module_states_schema_and_personal_columns(table: Table) -> None:
    module = module_of(table)
    assert (table.schema, table.personal) == (module.SCHEMA, module.PERSONAL)  # type: ignore[attr-defined]


@every_table
def test_a_docstring_states_grain_inputs_and_rules(table: Table) -> None:
    text = module_of(table).__doc__ or ""
    assert [word for word in ("Grain:", "Reads:", "Rules:") if word not in text] == []


@every_table
def test_personal_columns_and_grain_are_columns(table: Table) -> None:
    assert set(table.personal) | set(table.grain) <= set(table.schema.names)


@every_table
def test_the_grain_is_never_null(table: Table) -> None:
    assert set(table.grain) <= set(table.required)


@every_table
def test_names_are_snake_case_and_used_once(table: Table) -> None:
    names = table.schema.names
    assert [name for name in names if not re.fullmatch(r"[a-z][a-z0-9_]*", name)] == []
    assert len(names) == len(set(names))


@every_table
def test_no_column_is_a_float_and_every_amount_is_a_decimal(table: Table) -> None:
    for field in table.schema.fields:
        assert not any(isinstance(kind, FloatType | DoubleType) for kind in kinds(field.dataType)), field.name
        assert not AMOUNT.search(field.name) or isinstance(field.dataType, DecimalType), field.name


@every_table
def test_a_table_reads_what_is_kept_of_bronze_judged_rows_or_tables_built_before_it(table: Table) -> None:
    built = [earlier.name for earlier in tables.TABLES[: tables.TABLES.index(table)]]
    known = {*(fold.name for fold in tables.FOLDS), *(judged.name for judged in tables.JUDGED), *built}
    assert [given.name for given in table.reads if given.name not in known] == []


@every_table
def test_a_table_knows_its_scope_in_everything_it_reads_or_looks_it_up(table: Table) -> None:
    assert set(table.scope) <= set(table.schema.names)
    for given in table.reads:
        assert given.keys is None or len(given.keys) == len(table.scope), given.name


def test_a_judged_frame_reads_what_is_kept_of_bronze_by_its_scope() -> None:
    kept = {fold.name for fold in tables.FOLDS}
    for judged in tables.JUDGED:
        assert {given.name for given in judged.reads} <= kept
        assert all(given.keys is not None and len(given.keys) == len(judged.scope) for given in judged.reads)


@pytest.mark.parametrize("fold", tables.FOLDS, ids=lambda fold: fold.name)
def test_a_fold_reads_bronze_and_keeps_rows_by_a_key_that_is_never_null(fold: Fold) -> None:
    assert set(fold.reads) <= set(bronze.SCHEMAS)
    assert set(fold.personal) | set(fold.grain) <= set(fold.schema.names)
    assert set(fold.scope) <= set(fold.grain) <= set(fold.required)
    assert fold.emptied_with is None or (fold.emptied_with in fold.reads and fold.void is not None)


@every_table
def test_references_point_at_columns_of_tables(table: Table) -> None:
    schemas = {other.name: other.schema.names for other in tables.TABLES}
    for reference in table.references:
        assert reference.column in table.schema.names
        assert reference.target_column in schemas[reference.target]


def test_every_judged_frame_feeds_the_quarantine() -> None:
    quarantine = next(table for table in tables.TABLES if table.name == "silver.quarantine")
    assert tuple(given.name for given in quarantine.reads) == tuple(judged.name for judged in tables.JUDGED)


def test_an_array_is_personal_by_its_elements() -> None:
    customers = next(table for table in tables.TABLES if table.name == "gold.customer_360")
    assert {"emails.element", "source_users.element.source_user_id", "email"} <= set(customers.personal_leaves)
