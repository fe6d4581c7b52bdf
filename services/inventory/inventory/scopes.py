"""The scopes that a caller's token may carry here."""

AVAILABILITY_READ = "inventory.availability.read"
RESERVATIONS_READ = "inventory.reservations.read"
RESERVATIONS_WRITE = "inventory.reservations.write"
STOCK_WRITE = "inventory.stock.write"
LEDGER_READ = "inventory.ledger.read"
TERMS_READ = "inventory.terms.read"
TERMS_WRITE = "inventory.terms.write"
