"""The marketplace's order lines: the items of the last version of each document.

A Date of MongoDB is a moment in UTC. An order's name is the text of its document's `_id`. Two items that say the same
under the same line number are one item that was sent twice.
"""

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from transform.changes import live
from transform.columns import extended_decimal, extended_long, extended_timestamp
from transform.documents import document_key, opened, opened_item
from transform.order_sources.line import COLUMNS, NO_FAULT, ONLINE_RETAIL_PREFIX

SENT_TWICE = "an earlier item of the order says the same under this number"
SHOP_HAS_IT = "the shop has the order of this number, and its lines count"
_SAID = ("sku", "quantity", "unit_price", "discount_amount", "total_amount")


def lines(documents: DataFrame) -> DataFrame:
    """The items of the documents that exist now; a document without readable items is one line with a fault."""
    opened_now = opened(live(documents, "_id")).withColumn("_fault", _document_fault())
    each = opened_now.select("*", F.posexplode_outer("_items").alias("_index", "_item_json"))
    return _judged_twins(_typed(each.withColumn("_item", opened_item(F.col("_item_json"))))).select(*COLUMNS)


def _typed(items: DataFrame) -> DataFrame:
    return items.withColumns(
        {
            "order_key": document_key(),
            "order_id": F.col("_order.order_number"),
            "line_number": extended_long(F.col("_item.line")).try_cast("int"),
            "channel": F.lit("marketplace"),
            "source": F.lit("marketplace"),
            "source_user_id": F.col("_buyer.buyer_id"),
            "store_id": extended_long(F.col("_order.store_id")),
            "sku": F.col("_item.sku"),
            "quantity": extended_long(F.col("_item.quantity")),
            "unit_price": extended_decimal(F.col("_item.unit_price"), 18, 6),
            "discount_amount": extended_decimal(F.col("_item.discount"), 18, 2),
            "total_amount": extended_decimal(F.col("_item.amount"), 18, 2),
            "currency": F.col("_payment.currency"),
            "status": F.col("_order.status"),
            "card_token": F.col("_payment.card_token"),
            "returns_order_id": F.lit(None).cast("string"),
            "ordered_at": extended_timestamp(F.col("_order.placed_at")),
            "updated_at": extended_timestamp(F.col("_order.updated_at")),
            "_source_row": F.coalesce("_item_json", "document"),
            "_seen_at": F.col("_ingested_at"),
        }
    )


def _judged_twins(items: DataFrame) -> DataFrame:
    """Of the items with one number the first stands; one that says the same repeats it, another is at fault."""
    same_number = Window.partitionBy("_id", "line_number").orderBy("_index")
    is_later = F.col("line_number").isNotNull() & (F.row_number().over(same_number) > 1)
    said = F.struct(*_SAID)
    # What cannot be read is null in `said`; then only the same text is the same.
    is_readable = F.col("quantity").isNotNull() & F.col("unit_price").isNotNull() & F.col("total_amount").isNotNull()
    says_the_same = (F.col("_item_json") == F.first("_item_json").over(same_number)) | (
        is_readable & said.eqNullSafe(F.first(said).over(same_number))
    )
    marked = items.withColumns({"_is_later": is_later, "_says_the_same": says_the_same})
    is_fault = F.col("_is_later") & ~F.col("_says_the_same")
    return marked.withColumns(
        {
            "_repeats": F.when(F.col("_is_later") & F.col("_says_the_same"), SENT_TWICE),
            "_fault": F.when(is_fault, "repeated").otherwise(F.col("_fault")),
        }
    )


def _document_fault() -> Column:
    return (
        F.when(F.col("_order.order_number").isNull(), "unreadable")
        .when(F.col("_items").isNull(), "no_array")
        .when(F.size("_items") == 0, "no_items")
        .when(_is_misnamed(), "misnamed")
        .otherwise(NO_FAULT)
    )


def _is_misnamed() -> Column:
    number = F.col("_order.order_number")
    # A document with the name of an order of another source would share that order's lines.
    return ~document_key().eqNullSafe(number) | number.startswith(ONLINE_RETAIL_PREFIX)


def shop_numbers(documents: DataFrame) -> DataFrame:
    """The names of documents that can be orders of the shop as well: digits alone. Column `order_id`, each once."""
    names = documents.select(document_key().alias("order_id"))
    return names.where(F.col("order_id").rlike("^[0-9]+$")).distinct()


def without_orders_of_the_shop(lines: DataFrame, of_shop: DataFrame) -> DataFrame:
    """The lines; those of an order that the shop has (`of_shop`: column `order_id`) are marked as its repetition."""
    known = of_shop.select("order_id", F.lit(SHOP_HAS_IT).alias("_known"))
    is_copy = (F.col("_fault") == NO_FAULT) & F.col("_repeats").isNull()
    marked = lines.join(known, on="order_id", how="left")
    repeats = F.when(is_copy, F.col("_known")).otherwise(F.col("_repeats"))
    return marked.withColumn("_repeats", repeats).select(*COLUMNS)


def distinct(documents: DataFrame) -> DataFrame:
    """How many items the documents have that exist now, where one without items counts as one: the column `lines`."""
    # Opened as the lines are: another reader of JSON would disagree about odd documents, and the release would stop.
    count = F.coalesce(F.size("_items"), F.lit(1))
    return opened(live(documents, "_id")).agg(F.sum(F.greatest(count, F.lit(1))).alias("lines"))
