"""Splink's side of a comparison: runs in an environment of its own, reads people as Parquet, writes clusters.

The settings are those of Splink's own example for FEBRL 3 (docs/demos/examples/duckdb/febrl3), without the
social-security number and with its blocking rules; where a table has e-mail addresses, telephones and places, they
get the comparison
that its library has for them. Clusters at a match probability of 0.5, as likely as not, which is our threshold too.
Usage: splink_link.py INPUT OUTPUT COLUMN,COLUMN…
"""

import sys
import time

import duckdb
import splink.comparison_library as cl
from splink import DuckDBAPI, Linker, SettingsCreator, block_on

COMPARISONS = {
    "first_name": lambda: cl.NameComparison("first_name").configure(term_frequency_adjustments=True),
    "last_name": lambda: cl.NameComparison("last_name").configure(term_frequency_adjustments=True),
    "birth_date": lambda: cl.DateOfBirthComparison("birth_date", input_is_string=True, datetime_format="%Y%m%d"),
    "street_number": lambda: cl.ExactMatch("street_number").configure(term_frequency_adjustments=True),
    "street": lambda: cl.LevenshteinAtThresholds("street", [1, 3]).configure(term_frequency_adjustments=True),
    "postal_code": lambda: cl.ExactMatch("postal_code").configure(term_frequency_adjustments=True),
    "city": lambda: cl.ExactMatch("city").configure(term_frequency_adjustments=True),
    "email": lambda: cl.EmailComparison("email"),
    "phone": lambda: cl.ExactMatch("phone").configure(term_frequency_adjustments=True),
}
# Of its FEBRL example; a block of one value alone is too wide for a large table, where its guide asks for two.
SMALL = ["first_name", "last_name", "birth_date", "postal_code"]
LARGE = [
    ("first_name", "last_name"), ("first_name", "birth_date"), ("last_name", "birth_date"),
    ("first_name", "postal_code"), ("last_name", "postal_code"), ("birth_date", "postal_code"), ("street",
    "postal_code"), ("email",), ("phone",),
]  # fmt: skip
SMALL_UNTIL = 10_000


def main(source: str, target: str, columns: list[str]) -> None:
    """Train, predict and cluster; print the seconds."""
    connection = duckdb.connect()
    people = connection.sql(f"select * from read_parquet('{source}')")  # noqa: S608 - a path of the benchmark
    started = time.perf_counter()
    rules = [(name,) for name in SMALL] if len(people) <= SMALL_UNTIL else LARGE
    settings = SettingsCreator(
        unique_id_column_name="id",
        link_type="dedupe_only",
        blocking_rules_to_generate_predictions=[block_on(*rule) for rule in rules if set(rule) <= set(columns)],
        comparisons=[COMPARISONS[name]() for name in columns if name in COMPARISONS],
    )
    linker = Linker(DuckDBAPI(connection=connection).register(people), settings)
    exact = [block_on("first_name", "last_name", "birth_date")]
    exact.append("l.first_name = r.last_name and l.last_name = r.first_name and l.birth_date = r.birth_date")
    linker.training.estimate_probability_two_random_records_match(
        exact, recall=0.9 if len(rules) == len(SMALL) else 0.5
    )
    linker.training.estimate_u_using_random_sampling(max_pairs=1e6, seed=2)
    second = ("postal_code",) if len(rules) == len(SMALL) else ("email",) if "email" in columns else LARGE[0]
    for rule in (block_on("birth_date"), block_on(*second)):
        linker.training.estimate_parameters_using_expectation_maximisation(rule, record_sample_proportion=1.0)
    pairs = linker.inference.predict(threshold_match_probability=0.001)
    clusters = linker.clustering.cluster_pairwise_predictions_at_threshold(pairs, threshold_match_probability=0.5)
    seconds = time.perf_counter() - started
    clusters.as_duckdbpyrelation().select("id, cluster_id").write_parquet(target)
    print(f"seconds {seconds:.3f}")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3].split(","))
