"""Training: the past as it was known at the split, a model, and how it does on the days after."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fraud import exports
from fraud.card import Evaluation, ModelCard
from fraud.errors import ModelMismatch, NoOrders
from fraud.features import DAY_MS, DEFINITION, FEATURE_NAMES, Features
from fraud.model import Model
from fraud.orders import Label, Labels, Order, is_known_fraud, labels_by_order
from fraud.replay import replay
from fraud.units import END_OF_TIME_MS, rfc3339

# Fewer known frauds than this teach trees to remember them, not to recognise others.
TRAINING_FRAUDS_MIN = 20
# Trees add float32 leaves; XGBoost and ONNX Runtime may round the sum and the sigmoid differently in the last bits.
EXPORT_DIFFERENCE_MAX = 1e-5
PRECISION_AT = (10, 50, 100)


@dataclass(frozen=True, slots=True)
class TrainingPlan:
    """What to train on, epoch milliseconds: orders before the split, judged on those from it until the end.

    Orders younger than `label_delay_ms` at the split are left out, as most of their chargebacks were still to come.
    """

    split_ms: int
    evaluate_until_ms: int
    label_delay_ms: int
    release_id: str


@dataclass(frozen=True, slots=True)
class Example:
    """One order's features and whether it counts as fraud."""

    ordered_at_ms: int
    features: Features
    is_fraud: bool


@dataclass(frozen=True, slots=True)
class Trained:
    """A model as an ONNX file and its card."""

    content: bytes
    card: ModelCard


def default_split_ms(orders: Sequence[Order]) -> int:
    """Put the split at midnight UTC after three quarters of the days that the orders span."""
    if not orders:
        raise NoOrders("the release holds no web order; run the transform over some days first")
    days = [order.ordered_at_ms // DAY_MS for order in orders]
    first, last = min(days), max(days)
    return (first + (last - first + 1) * 3 // 4) * DAY_MS


def examples(
    orders: Sequence[Order], labels: Labels, *, start_ms: int, end_ms: int, verdict_at_ms: int
) -> list[Example]:
    """Build the examples of orders in [start_ms, end_ms), with verdicts as known at `verdict_at_ms`."""
    return [
        Example(order.ordered_at_ms, vector, is_known_fraud(order.order_id, labels, verdict_at_ms))
        for order, vector in replay(orders, labels, start_ms=start_ms, end_ms=end_ms)
    ]


def _ripe(past: Sequence[Example], plan: TrainingPlan) -> Sequence[Example]:
    """Leave out orders too young for their labels, unless that leaves too few frauds to learn from."""
    ripe = [each for each in past if each.ordered_at_ms < plan.split_ms - plan.label_delay_ms]
    return ripe if sum(each.is_fraud for each in ripe) >= TRAINING_FRAUDS_MIN else past


def _matrix(rows: Sequence[Example]) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
    """Stack examples: features (examples, features) as float32, verdicts (examples,)."""
    return (
        np.array([each.features for each in rows], dtype=np.float32),
        np.array([each.is_fraud for each in rows], dtype=np.int64),
    )


def evaluate(model: Model, later: Sequence[Example]) -> Evaluation:
    """Score examples one by one through the served model and measure how well frauds come first."""
    from sklearn.metrics import average_precision_score, roc_auc_score  # noqa: PLC0415 - serving must not load it

    frauds = np.array([each.is_fraud for each in later], dtype=np.int64)
    scores = np.array([model.score(each.features) for each in later], dtype=np.float32)
    # A stable sort breaks ties by time, so that the figures do not depend on the machine.
    ranked = frauds[np.argsort(-scores, kind="stable")] if len(later) else frauds
    total = int(frauds.sum())
    both = 0 < total < len(later)
    return Evaluation(
        orders=len(later),
        frauds=total,
        base_rate=total / len(later) if later else None,
        average_precision=float(average_precision_score(frauds, scores)) if both else None,
        roc_auc=float(roc_auc_score(frauds, scores)) if both else None,
        precision_at={str(k): float(ranked[:k].mean()) for k in PRECISION_AT if k <= len(later)},
    )


def _fit(rows: Sequence[Example]) -> tuple[bytes, str, str, dict[str, object], float]:
    """Train trees, or build the prior where there is too little; return file, kind, why, parameters, difference."""
    matrix, frauds = _matrix(rows)
    known = int(frauds.sum())
    if min(known, len(rows) - known) < TRAINING_FRAUDS_MIN:
        # Laplace's rule of succession: with no fraud seen, the rate is still not zero.
        rate = (known + 1) / (len(rows) + 2)
        why = f"{known} known frauds among {len(rows)} orders, trees need {TRAINING_FRAUDS_MIN} of either kind"
        return exports.prior(rate), "prior", why, {"base_rate": rate, **exports.PRIOR_WEIGHTS}, 0.0
    content, native = exports.boosted_trees(matrix, frauds)
    model = Model(content)
    difference = max(abs(model.score(row.features) - float(score)) for row, score in zip(rows, native, strict=True))
    if difference > EXPORT_DIFFERENCE_MAX:
        raise ModelMismatch(f"the exported model differs from XGBoost by {difference}; check the versions of both")
    return content, "boosted trees", f"{known} known frauds", exports.TREE_PARAMETERS, difference


def train(orders: Sequence[Order], labels: Sequence[Label], plan: TrainingPlan) -> Trained:
    """Train on what was known at the split and judge on the orders after it; raises NoOrders."""
    known = labels_by_order(labels)
    past = examples(orders, known, start_ms=0, end_ms=plan.split_ms, verdict_at_ms=plan.split_ms)
    if not past:
        raise NoOrders("the release holds no web order before the split; choose a later --until")
    rows = _ripe(past, plan)
    content, kind, why, parameters, difference = _fit(rows)
    model = Model(content)
    later = examples(orders, known, start_ms=plan.split_ms, end_ms=plan.evaluate_until_ms, verdict_at_ms=END_OF_TIME_MS)
    card = ModelCard(
        model_version=model.version,
        kind=kind,
        reason_for_kind=why,
        feature_definition=DEFINITION,
        features=FEATURE_NAMES,
        release_id=plan.release_id,
        trained_from=rfc3339(rows[0].ordered_at_ms),
        trained_until=rfc3339(plan.split_ms),
        evaluated_until=rfc3339(min(plan.evaluate_until_ms, max(each.ordered_at_ms for each in orders) + 1)),
        training_orders=len(rows),
        training_frauds=sum(each.is_fraud for each in rows),
        parameters=parameters,
        export_difference_max=difference,
        evaluation=evaluate(model, later),
    )
    return Trained(content, card)
