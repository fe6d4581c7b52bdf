"""UCI Online Retail: lines of invoices of a British shop for gifts, as files of eight columns of text.

What the files leave open is decided here. Times name no zone: they are those of the shop, `TIME_ZONE`. Prices name no
currency: `CURRENCY`. An invoice `C…` is a credit note, so its lines are returns with negative units; it does not name
its sale (`silver.return_links` finds it). An invoice `A…` adjusts a bad debt, and a line with negative units on any
other invoice corrects the stock (damaged, lost, found): both are `adjusted`, which is no sale. A price of zero is a
gift or a sample. A line has no number: its number is its place among the invoice's different lines in the order of
their content, so it depends neither on the files nor on when they came. `Description` is free text and is no part of
that content: lines that differ in it, or in the spelling of the other columns, are one line.
"""

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from transform.columns import exact_decimal
from transform.order_sources.line import COLUMNS, NO_FAULT, ONLINE_RETAIL_PREFIX
from transform.spec import MONEY

SOURCE = CHANNEL = "online_retail"
TIME_ZONE = "Europe/London"  # the shop's seat, from the description of the data set
CURRENCY = "GBP"  # likewise
RAW = ("InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID", "Country")
EXACT = "an equal row of the invoice counts already"
NEAR = "a row of the invoice that differs in spelling or description alone counts already"


def lines(rows: DataFrame) -> DataFrame:
    """Every row of the files as a line; of rows that say the same all but one are marked as its repetitions."""
    named = {"_invoice": _text("InvoiceNo"), "_stock_code": _text("StockCode"), "order_key": order_key()}
    typed = rows.withColumns(named).withColumns(_values())
    return _numbered(typed).withColumns(_constants()).select(*COLUMNS)


def order_key() -> Column:
    """The order that a row of the files belongs to; those that name no invoice are together."""
    return F.concat(F.lit(ONLINE_RETAIL_PREFIX), F.coalesce(_text("InvoiceNo"), F.lit("")))


def _text(column: str) -> Column:
    trimmed = F.upper(F.trim(column))
    return F.when(trimmed != "", trimmed)


def _values() -> dict[str, Column]:
    local = F.try_to_timestamp(F.trim("InvoiceDate"), F.lit("yyyy-MM-dd HH:mm:ss"))
    quantity, price = F.col("Quantity").try_cast("long"), exact_decimal(F.col("UnitPrice"), 18, 6)
    # Tenths of a penny occur in prices; the amount of a line is rounded half up to the penny, as invoices do.
    amount = F.round(quantity.cast("decimal(19,0)") * price, 2).try_cast(MONEY)
    return {
        "order_id": F.when(F.col("_invoice").isNotNull(), F.col("order_key")),
        "source_user_id": F.regexp_replace(_text("CustomerID"), r"\.0+$", ""),
        "sku": F.col("_stock_code"),
        "quantity": quantity,
        "unit_price": price,
        "total_amount": amount,
        "ordered_at": F.to_utc_timestamp(local, TIME_ZONE),
        "status": _status(quantity),
        "_fault": _fault(quantity),
    }


def _status(quantity: Column) -> Column:
    invoice = F.col("_invoice")
    is_adjustment = invoice.startswith("A") | (quantity < 0)
    return F.when(invoice.startswith("C"), "returned").when(is_adjustment, "adjusted").otherwise("completed")


def _fault(quantity: Column) -> Column:
    is_named = F.coalesce(F.col("_invoice").rlike("^[AC]?[0-9]+$"), F.lit(False))
    is_credit_of_nothing = F.col("_invoice").startswith("C") & (quantity > 0)
    return F.when(~is_named, "no_invoice").when(is_credit_of_nothing, "credit_sold").otherwise(NO_FAULT)


def _numbered(typed: DataFrame) -> DataFrame:
    of_invoice = Window.partitionBy("_invoice")
    equal = Window.partitionBy("_invoice", *RAW).orderBy("_position")
    same = Window.partitionBy("_invoice", *_content()).orderBy(*RAW, "_position")
    return typed.withColumns(
        {
            "line_number": F.dense_rank().over(of_invoice.orderBy(*_content())),
            "_equal_before": F.row_number().over(equal) - 1,
            "_same_before": F.row_number().over(same) - 1,
        }
    ).withColumn("_repeats", F.when(F.col("_equal_before") > 0, EXACT).when(F.col("_same_before") > 0, NEAR))


def _content() -> list[Column]:
    """What a line says, whatever its spelling; a value that cannot be read is its text."""
    readable = {"ordered_at": "InvoiceDate", "quantity": "Quantity", "unit_price": "UnitPrice"}
    values = [F.coalesce(F.col(name).cast("string"), F.col(raw)) for name, raw in readable.items()]
    return [values[0], F.col("sku"), *values[1:], F.col("source_user_id"), _text("Country")]


def _constants() -> dict[str, Column]:
    nothing = F.lit(None)
    return {
        "channel": F.lit(CHANNEL),
        "source": F.lit(SOURCE),
        "store_id": nothing.cast("long"),
        "discount_amount": F.lit(0).cast(MONEY),
        "currency": F.lit(CURRENCY),
        "card_token": nothing.cast("string"),
        "returns_order_id": nothing.cast("string"),
        "updated_at": nothing.cast("timestamp"),
        "_source_row": F.to_json(F.struct(*RAW)),
        "_seen_at": F.col("_ingested_at"),
    }
