"""Every rate and size the replay invents, in one place; JOURNEY.md tells the same story in prose.

A rate is a number of cases in a million. Where no source is named, the figure is our own choice: large enough to be
seen in a run of seven days, small enough to leave the retailer's own data in charge.
"""

from typing import Final

MILLION: Final = 1_000_000

# Channels, of baskets.
TILL: Final = 500_000
WEB: Final = 350_000  # the marketplace has the rest, 15 %

# People, per household and year of 365 days: 25 changes a year in a hundred households.
ADDRESS_CHANGES: Final = 120_000
EMAIL_CHANGES: Final = 70_000
PHONE_CHANGES: Final = 60_000
ACCOUNTS_CLOSED: Final = 20_000
SECOND_CARD: Final = 200_000
MARKETING_CONSENT: Final = 620_000

# Fraud, of web and marketplace orders. Windows and the factor are those of the Fraud Detection Handbook's simulator
# (chapter 3, "Simulated dataset"); limit and draws are fitted to this data so that 2 to 5 % are fraudulent.
AMOUNT_LIMIT_CENTS: Final = 15_000
STORE_DRAW_EVERY_DAYS: Final = 4
STORE_WINDOW_DAYS: Final = 28
CARD_DRAWS_PER_DAY: Final = 6
CARD_WINDOW_DAYS: Final = 14
CARD_ORDERS: Final = 333_333
CARD_FACTOR: Final = 5
CHARGEBACK_DAYS_MOST: Final = 6
DISPUTED_IN_VAIN: Final = 5_000

# Orders.
RETURNED: Final = 10_000
RETURN_DAYS_MOST: Final = 10
MARKETPLACE_CANCELLED: Final = 20_000
SHIPPED_AFTER_DAYS: Final = 1
DELIVERED_AFTER_DAYS: Final = 3

# Stock, in units of the sku; stores are supplied every third day.
SUPPLY_PERIOD_DAYS: Final = 3
OPENING_SURPLUS: Final = 8
CASE_PACK: Final = 6
TRANSFERRED: Final = 10_000
SHRINKAGE: Final = 3_000

# Behaviour on the web, of web orders (the failed login) or per web order (the others).
LOGIN_FAILED: Final = 80_000
ABANDONED_SESSIONS: Final = 300_000
VIEWS_MOST: Final = 4
CARTS_MOST: Final = 2

# Dirt.
DUPLICATED: Final = 10_000
LATE: Final = 20_000
MALFORMED: Final = 1_000
UNKNOWN_SKU_EVENTS: Final = 5_000
UNKNOWN_SKU_MOVEMENTS: Final = 500
NO_CUSTOMER: Final = 10_000
BROKEN_DOCUMENTS: Final = 10_000

ORDERS_PER_TRANSACTION: Final = 50
