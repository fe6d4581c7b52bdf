"""Folds applied to rows of bronze, as a full run applies them."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from transform.spec import Fold
from transform.tables import customer_identities, identity_links, identity_records


def folded(fold: Fold, *sources: DataFrame) -> DataFrame:
    """What a fold keeps of all that bronze has, in the order of `fold.reads`."""
    return fold.fold(fold.standing(fold.arrive(*sources), emptied_at(fold, *sources)))


def emptied_at(fold: Fold, *sources: DataFrame) -> str | None:
    """Where the source of the fold was last emptied."""
    if fold.emptied_with is None:
        return None
    log = sources[fold.reads.index(fold.emptied_with)]
    position: str | None = log.where("_op = 't'").agg(F.max("_position")).collect()[0][0]
    return position


def identified(judged: DataFrame) -> DataFrame:
    """The identities of the users whose changes are judged."""
    records = identity_records.identity_records(judged)
    return customer_identities.customer_identities(records, identity_links.identity_links(records))
