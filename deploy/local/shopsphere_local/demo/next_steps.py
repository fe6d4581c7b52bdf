"""What to do with a platform that is up: one call per API, a query over gold, and the way into the dashboard."""

import httpx

from shopsphere_local.demo.samples import Samples
from shopsphere_local.stack import Stack

# A link that is offered on a screen may be opened minutes later; the service lets it lapse by itself.
_DASHBOARD_SCOPES = ["customer360.profiles.read", "customer360.lookup.read", "customer360.personal.read"]


async def calls(stack: Stack, token: str, samples: Samples) -> list[str]:
    """The lines to copy; personal data stands in a body, never in an address."""
    inventory, fraud, customers = (
        f"http://127.0.0.1:{stack.rest_port(service)}" for service in ("inventory", "fraud", "customer360")
    )
    bearer = '-H "Authorization: Bearer $TOKEN"'
    lookup = f"""-H "Content-Type: application/json" -d '{{"email": "{samples.email}"}}'"""
    query = "SELECT channel, count(*) AS lines, sum(total_amount) AS amount FROM gold.fact_order GROUP BY channel"
    return [
        "A token for all of it (valid for an hour):",
        f"  export TOKEN={token}",
        "Stock:",
        f'  curl -s {bearer} "{inventory}/v1/availability/{samples.sku}?location={samples.location}"',
        "The model behind the fraud scores:",
        f"  curl -s {bearer} {fraud}/v1/model",
        "A customer:",
        f"  curl -s {bearer} {lookup} {customers}/v1/customers:lookup",
        "Gold, from DuckDB:",
        f'  .venv/bin/shopsphere sql "{query}"',
        "The dashboard (the link works once):",
        f"  {await signin_link(customers, token)}",
    ]


async def signin_link(customers: str, token: str) -> str:
    """A fresh one-time link."""
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=customers, headers=headers) as client:
        answer = await client.post("/v1/dashboard/signin-codes", json={"scopes": _DASHBOARD_SCOPES})
    return str(answer.json()["url"])
