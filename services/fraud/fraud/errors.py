"""What can go wrong when an order is scored, beyond what the kit names.

ShopSphereError
├── InvalidArgument     400  a field of the order is wrong
├── Conflict            409
│   ├── KeyReused            the Idempotency-Key came with another body before
│   └── OrderDiffers         the order id was scored before with other content
├── NotFound            404
│   └── ModelMissing         no model was trained yet, or not of that version
├── FailedPrecondition  422
│   ├── ModelMismatch        the model was trained on features of another definition
│   └── NoOrders             there is nothing to train on
└── Unavailable         503
    ├── VelocityUnavailable  Redis is away; scoring degrades to rules and does not show this
    └── LakeUnavailable      the lake is away; training, warming and rescoring need it
"""

from shopsphere_kit.errors import Conflict, FailedPrecondition, NotFound, Unavailable


class KeyReused(Conflict):
    """The Idempotency-Key came with another body before."""

    default_reason = "idempotency_key_reused"

    def __init__(self) -> None:
        super().__init__(
            "this Idempotency-Key came with another body before; send a new key with a new body",
            field="idempotency_key",
        )


class OrderDiffers(Conflict):
    """The order id was scored before with other content."""

    default_reason = "order_differs"

    def __init__(self) -> None:
        super().__init__(
            "this order was scored before with other content; score a changed order under a new order_id",
            field="order_id",
        )


class ModelMissing(NotFound):
    """No model was trained yet, or none of that version."""

    default_reason = "model_missing"


class ModelMismatch(FailedPrecondition):
    """The model was trained on features of another definition than this code computes."""

    default_reason = "model_mismatch"


class NoOrders(FailedPrecondition):
    """The release holds no order to train on before the split."""

    default_reason = "no_orders"


class VelocityUnavailable(Unavailable):
    """The velocity store did not answer in time."""

    default_reason = "velocity_unavailable"


class LakeUnavailable(Unavailable):
    """The lake's catalog or its files do not answer."""

    default_reason = "lake_unavailable"
