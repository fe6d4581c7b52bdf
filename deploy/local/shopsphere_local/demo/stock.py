"""What must be on hand, folded from the movements in bronze by SQL that shares no code with the inventory service.

The rule: a movement counts once, under its event id. The base of a sku at a location is its latest count (the lowest of
several at one instant, nothing before the first); every other movement at or after that instant is added to it. What
lies in other buckets than on hand is left out.
"""

from typing import NamedTuple

from shopsphere_local.demo.lakehouse import Bronze, query

_FOLD = """
WITH events AS (SELECT decode(value) AS event, partition, "offset" FROM rows),
typed AS (
  SELECT event ->> '$.event_id' AS event_id, event ->> '$.type' AS type, event ->> '$.source' AS source,
         event ->> '$.sku' AS sku, event ->> '$.location' AS location,
         coalesce(event ->> '$.bucket', 'on_hand') AS bucket,
         CASE WHEN json_type(event, '$.quantity') IN ('BIGINT', 'UBIGINT')
              THEN TRY_CAST(event ->> '$.quantity' AS BIGINT) END AS quantity,
         -- A plain cast to TIMESTAMP would drop the offset from UTC.
         make_timestamp(epoch_us(TRY_CAST(event ->> '$.occurred_at' AS TIMESTAMPTZ))) AS occurred_at,
         partition, "offset"
  FROM events
  WHERE list_distinct(json_type(event, ['$.event_id', '$.source', '$.sku', '$.location', '$.occurred_at']))
        = ['VARCHAR']
    AND coalesce(json_type(event, '$.order_id'), 'NULL') IN ('NULL', 'VARCHAR')
    AND coalesce(json_type(event, '$.bucket'), 'NULL') IN ('NULL', 'VARCHAR')
    AND coalesce(json_type(event, '$.sequence'), 'NULL') IN ('NULL', 'BIGINT', 'UBIGINT')
    AND regexp_matches(event ->> '$.occurred_at', '(Z|z|[+-][0-9]{2}:[0-9]{2})$')
), valid AS (
  SELECT * FROM typed
  WHERE length(event_id) BETWEEN 1 AND 128 AND length(source) BETWEEN 1 AND 128
    AND regexp_full_match(sku, '[A-Za-z0-9._-]{1,64}') AND regexp_full_match(location, '[A-Za-z0-9._-]{1,64}')
    AND abs(quantity) <= 1000000000 AND year(occurred_at) BETWEEN 1970 AND 2199
    AND bucket IN ('on_hand', 'damaged', 'quality_control')
    AND CASE type WHEN 'sale' THEN quantity <= 0
                  WHEN 'transfer' THEN true WHEN 'adjustment' THEN true
                  WHEN 'return' THEN quantity >= 0 WHEN 'receipt' THEN quantity >= 0 WHEN 'count' THEN quantity >= 0
                  ELSE false END
), once AS (
  SELECT * FROM valid QUALIFY row_number() OVER (PARTITION BY event_id ORDER BY partition, "offset") = 1
), on_hand AS (
  SELECT * FROM once WHERE bucket = 'on_hand'
), counts AS (
  SELECT sku, location, occurred_at AS counted_at, quantity AS counted FROM on_hand WHERE type = 'count'
  QUALIFY row_number() OVER (PARTITION BY sku, location ORDER BY occurred_at DESC, quantity) = 1
)
SELECT on_hand.sku, on_hand.location,
       coalesce(any_value(counted), 0) + coalesce(sum(on_hand.quantity) FILTER (
         type <> 'count' AND (counted_at IS NULL OR occurred_at >= counted_at)), 0) AS units
FROM on_hand LEFT JOIN counts USING (sku, location)
GROUP BY on_hand.sku, on_hand.location
"""


class Item(NamedTuple):
    """A sku at a location."""

    sku: str
    location: str


def expected_stock(lake: Bronze) -> dict[Item, int]:
    """Units on hand of every sku at every location, as the movements in bronze add up."""
    rows = lake.records("bronze_kafka__stock_movements", ("value", "partition", "offset"))
    return {Item(sku, location): int(units) for sku, location, units in query(_FOLD, {"rows": rows})}
