"""The part of the ordinary suite that a mutant has to pass: what needs Redis or nothing, the quickest first."""

from inventory_mutants.mutant import Mutant

_CONTRACTS = [
    f"tests/contracts/test_stock_{name}.py"
    for name in ("holds", "terms", "outbox", "adjustments", "fence", "store", "changes")
]
_OF_THE_FUNCTIONS = [
    f"tests/inventory/test_{name}.py"
    for name in ("library", "audit", "stock_cases", "histories", "functions_against_model", "data_set")
]
_OF_THE_MODULES = [
    "tests/contracts/test_inventory_doors.py",
    *(f"tests/inventory/test_{name}.py" for name in ("stream", "publisher", "reservations", "redis_failures")),
    *(f"tests/inventory/test_{name}.py" for name in ("rest", "journal", "movement")),
]
# A store in memory has nothing of the functions.
_REDIS_ALONE = ["-k", "not memory"]


def arguments(mutant: Mutant) -> list[str]:
    """What pytest is told for a mutant."""
    if mutant.is_lua:
        return [*_CONTRACTS, *_OF_THE_FUNCTIONS, *_REDIS_ALONE]
    return [*_CONTRACTS, *_OF_THE_MODULES, *_OF_THE_FUNCTIONS]
