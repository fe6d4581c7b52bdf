"""The columns of a line on its way from a source to `orders_unified`.

`order_key` is the order that its source files it under, which is `order_id` unless the line is misnamed.
`_fault` names what no column can show ("none" when there is nothing; the row checks of `orders_unified` look at it),
`_repeats` says what the line only repeats (null when nothing), `_source_row` is the source's text of it, if it has one.
"""

VALUES = (
    "order_id",
    "line_number",
    "channel",
    "source",
    "source_user_id",
    "store_id",
    "sku",
    "quantity",
    "unit_price",
    "discount_amount",
    "total_amount",
    "currency",
    "status",
    "card_token",
    "returns_order_id",
    "ordered_at",
    "updated_at",
)
COLUMNS = ("order_key", *VALUES, "_fault", "_repeats", "_source_row", "_position", "_seen_at")
NO_FAULT = "none"
# The names of orders are the shop's numbers, the marketplace's texts, and invoices of files behind this prefix.
ONLINE_RETAIL_PREFIX = "OR-"
