"""The REST door: POST /v1/score and GET /v1/model."""

from datetime import datetime
from typing import Annotated

from fastapi import FastAPI, Header
from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, StrictInt, StrictStr
from shopsphere_kit import http
from shopsphere_kit.auth import Caller

from fraud.checkout import Checkout, score_order
from fraud.requests import OrderFields, checked_key, checked_order
from fraud.rules import Decision

SCORE_WRITE, MODEL_READ = "fraud.score.write", "fraud.model.read"


def _text(value: object) -> object:
    """Accept an id that was sent as a JSON number, as the shop's own ids are numbers."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


Identifier = Annotated[StrictStr, BeforeValidator(_text)]


class ScoreRequest(BaseModel):
    """An order at checkout."""

    model_config = ConfigDict(extra="forbid")

    order_id: Identifier = Field(description="1 to 128 visible ASCII characters")
    user_id: Identifier | None = Field(None, description="null for a guest")
    store_id: StrictInt = Field(description="the store that fulfils the order")
    card_token: StrictStr = Field(description="the payment provider's token, never a card number")
    amount: StrictStr = Field(description='what the customer pays, a decimal string: "12.34"')
    currency: StrictStr = Field(description="ISO 4217; USD")
    units: StrictInt = Field(description="pieces in the order")
    line_count: StrictInt = Field(description="lines of the order")
    ordered_at: AwareDatetime = Field(description="RFC 3339 with offset")


class ScoreAnswer(BaseModel):
    """The decision about an order."""

    order_id: str
    decision: Decision
    score: float | None = Field(description="probability of fraud; null when rules decided alone")
    score_bits: str | None = Field(description="the float32 score as eight hexadecimal digits")
    reasons: list[str]
    model_version: str
    decided_at: datetime


def mount(app: FastAPI, checkout: Checkout) -> None:
    """Add the routes to the application."""

    @app.post("/v1/score", summary="Decide about an order")
    async def score(
        body: ScoreRequest,
        caller: Annotated[Caller, http.require(SCORE_WRITE)],
        idempotency_key: Annotated[str | None, Header(description="required; one per order attempt")] = None,
    ) -> ScoreAnswer:
        order = checked_order(OrderFields(**dict(body)))
        answer = await checkout.score(score_order(caller.client_id, checked_key(idempotency_key), order))
        return ScoreAnswer.model_validate(answer, from_attributes=True)

    @app.get("/v1/model", summary="Show the card of the model in use")
    async def model(caller: Annotated[Caller, http.require(MODEL_READ)]) -> dict[str, object]:  # noqa: ARG001
        return checkout.slot.require().card
