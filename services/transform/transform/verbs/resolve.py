"""`python -m transform resolve`: who is who in any table of people, with the platform's settings, without Spark."""

import argparse
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from transform.identity.records import Record, customer_id
from transform.identity.resolver import resolve
from transform.people_files import BadPeopleFile, read_columns, read_people
from transform.verbs.printing import print_json

_ABOUT = """Writes record id → cluster id for a Parquet file of people. --columns is a JSON object from known attribute
(first_name, last_name, birth_date, street, city, postal_code, state, email, phone, loyalty_number; any may be missing)
to the column that holds it, or to a list of columns that are joined; "id" names the column of the record's id. Dates
are dates or text (1980-02-29, 19800229, 29/02/1980, 29 Feb 1980). The output has the columns id and cluster_id."""


def add(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Describe the verb."""
    verb = verbs.add_parser("resolve", help="find out who is who in a Parquet file of people", description=_ABOUT)
    verb.add_argument("--input", type=Path, required=True, help="the people, one record a row, as Parquet")
    verb.add_argument("--columns", type=Path, required=True, help="JSON: known attribute → column or columns")
    verb.add_argument("--output", type=Path, required=True, help="where id and cluster_id are written, as Parquet")
    verb.add_argument(
        "--id", help="column that names a record; default: as --columns says, record_id, id, or the row's number"
    )
    verb.set_defaults(act=run, needs_settings=False)


def run(_: object, chosen: argparse.Namespace) -> int:
    """Resolve the file and print the counts."""
    records, ids = read_people(chosen.input, read_columns(chosen.columns), chosen.id)
    clusters = pa.array(_clusters(records, ids.to_pylist()), pa.string())
    try:
        pq.write_table(pa.table({"id": ids, "cluster_id": clusters}), chosen.output)
    except OSError as error:
        raise BadPeopleFile(f"output {chosen.output} cannot be written: {error.strerror or error}") from error
    print_json({"records": len(ids), "clusters": len(clusters.unique())})
    return 0


def _clusters(records: list[Record], ids: list[object]) -> list[str]:
    """The cluster of each record, named after the id of its first member."""
    cluster_of = {identity.id: identity.customer_id for identity in resolve(records)}
    id_of = {one.id: str(id_) for one, id_ in zip(records, ids, strict=True)}
    first = {cluster: member for member, cluster in sorted(cluster_of.items(), reverse=True)}
    return [customer_id(id_of[first[cluster_of[one.id]]]) for one in records]
