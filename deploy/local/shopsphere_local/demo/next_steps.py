"""What to do with a platform that is up: one call per API, a query over gold, and the way into the dashboard."""

from shopsphere_local.commands import signin
from shopsphere_local.demo.samples import Samples
from shopsphere_local.stack import Stack

TOKEN_SCOPES = ("inventory.availability.read", "fraud.model.read", "customer360.lookup.read")


def calls(stack: Stack, token: str, samples: Samples) -> list[str]:
    """The lines to copy; personal data stands in a body, never in an address, and no token on the screen."""
    inventory, fraud, customers = (
        f"http://127.0.0.1:{stack.rest_port(service)}" for service in ("inventory", "fraud", "customer360")
    )
    bearer = '-H "Authorization: Bearer $TOKEN"'
    lookup = f"""-H "Content-Type: application/json" -d '{{"email": "{samples.email}"}}'"""
    query = "SELECT channel, count(*) AS lines, sum(total_amount) AS amount FROM gold.fact_order GROUP BY channel"
    return [
        "A token (valid for an hour):",
        f"  export TOKEN=$(.venv/bin/shopsphere token --scope '{' '.join(TOKEN_SCOPES)}')",
        "Stock:",
        f'  curl -s {bearer} "{inventory}/v1/availability/{samples.sku}?location={samples.location}"',
        "The model behind the fraud scores:",
        f"  curl -s {bearer} {fraud}/v1/model",
        "A customer:",
        f"  curl -s {bearer} {lookup} {customers}/v1/customers:lookup",
        "Gold, from DuckDB:",
        f'  .venv/bin/shopsphere sql "{query}"',
        "The dashboard (the link works once; `.venv/bin/shopsphere signin` prints another):",
        f"  {signin.link(customers, token, [*signin.PAGES, signin.PERSONAL])}",
    ]
