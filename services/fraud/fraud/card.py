"""The model card: what a model is, what it was trained on, and how it did on later days."""

import json
from dataclasses import asdict, dataclass, field

LIMITS = (
    "The fraud in the demo's orders is injected by simulated scenarios; the figures say nothing about real fraud.",
    "Only web orders are scored and counted in the histories.",
    "Labels count from the time they became known; orders without one count as legitimate.",
    "An order that arrives after a later one was scored is missing from that later score.",
)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Figures over orders after the split, scored one by one through the served model; None where undefined."""

    orders: int
    frauds: int
    base_rate: float | None
    average_precision: float | None
    roc_auc: float | None
    precision_at: dict[str, float]


@dataclass(frozen=True, slots=True)
class ModelCard:
    """Everything a reader needs to judge a model; times in RFC 3339, UTC."""

    model_version: str
    kind: str
    reason_for_kind: str
    feature_definition: str
    features: tuple[str, ...]
    release_id: str
    trained_from: str
    trained_until: str
    evaluated_until: str
    training_orders: int
    training_frauds: int
    parameters: dict[str, object]
    export_difference_max: float
    evaluation: Evaluation
    limits: tuple[str, ...] = field(default=LIMITS)

    def as_json(self) -> str:
        """Write the card as indented JSON."""
        return json.dumps(asdict(self), indent=2) + "\n"

    def as_markdown(self) -> str:
        """Write the card as one Markdown page."""
        figures = self.evaluation
        rows = {
            "Orders scored after the split": figures.orders,
            "Frauds among them": figures.frauds,
            "Base rate": _figure(figures.base_rate),
            "Average precision": _figure(figures.average_precision),
            "ROC AUC": _figure(figures.roc_auc),
            **{f"Precision at {k}": _figure(value) for k, value in figures.precision_at.items()},
        }
        lines = [
            f"# Fraud model {self.model_version}",
            "",
            f"A {self.kind} model ({self.reason_for_kind}), trained from release {self.release_id}.",
            f"It saw {self.training_orders} web orders from {self.trained_from} until {self.trained_until},",
            f"{self.training_frauds} of them known to be fraud then, and is judged on the orders after that",
            f"until {self.evaluated_until}.",
            "",
            "| Figure | Value |",
            "|---|---|",
            *(f"| {name} | {value} |" for name, value in rows.items()),
            "",
            "## Limits",
            "",
            *(f"- {limit}" for limit in self.limits),
            "",
            f"## Features (definition {self.feature_definition})",
            "",
            *(f"- `{name}`" for name in self.features),
        ]
        return "\n".join(lines) + "\n"


def _figure(value: float | None) -> str:
    """Write a figure with four places; undefined ones say so."""
    return "undefined" if value is None else f"{value:.4f}"
