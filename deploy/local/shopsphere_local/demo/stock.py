"""What must be on hand, folded from the movements in bronze by SQL that shares no code with the inventory service."""

from shopsphere_local.demo.lakehouse import Bronze, query

# A movement counts once, under its event id; a count sets on-hand, and what came after it in its partition is added.
# Records of one sku and location share a partition, so the offset is their order.
_FOLD = """
WITH movements AS (
  SELECT decode(value) AS event, partition, "offset" FROM rows
), typed AS (
  SELECT event ->> '$.event_id' AS event_id, event ->> '$.type' AS type, event ->> '$.sku' AS sku,
         event ->> '$.location' AS location, (event ->> '$.quantity')::BIGINT AS quantity, partition, "offset"
  FROM movements
), once AS (
  SELECT * FROM typed QUALIFY row_number() OVER (PARTITION BY event_id ORDER BY partition, "offset") = 1
), counted AS (
  SELECT sku, location, max("offset") AS "offset" FROM once WHERE type = 'count' GROUP BY sku, location
), folded AS (
  SELECT once.sku, once.location, sum(once.quantity) AS on_hand
  FROM once LEFT JOIN counted USING (sku, location)
  WHERE counted."offset" IS NULL OR once."offset" >= counted."offset"
  GROUP BY once.sku, once.location
)
SELECT count(*), coalesce(sum(on_hand), 0) FROM folded
"""


def expected_stock(lake: Bronze) -> tuple[int, int]:
    """Keys (sku × location) and units on hand that the movements in bronze add up to."""
    rows = lake.bronze("bronze_kafka__stock_movements", ("value", "partition", "offset"))
    keys, units = query(_FOLD, {"rows": rows})[0]
    return int(keys), int(units)
