"""Training: what was known at the split, a model that serving loads, and a card that tells the truth."""

from pathlib import Path

import pytest
from fraud import training
from fraud.errors import ModelMismatch, ModelMissing, NoOrders
from fraud.exports import prior
from fraud.features import DAY_MS, DEFINITION, FEATURE_NAMES, features
from fraud.model import Model
from fraud.orders import History
from fraud.registry import ModelRegistry
from fraud.scoring import score_bits
from fraud.training import Trained, TrainingPlan, default_split_ms, train
from fraud_builders import START_MS, a_label, an_order, earlier, twenty_days

SPLIT_MS = START_MS + 15 * DAY_MS
# xgboost and onnxmltools warn about their own dependencies' coming changes.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")


def a_plan(**changes: int) -> TrainingPlan:
    plan = {"split_ms": SPLIT_MS, "evaluate_until_ms": SPLIT_MS + 5 * DAY_MS, "label_delay_ms": 2 * DAY_MS} | changes
    return TrainingPlan(**plan, release_id="R-test")


@pytest.fixture(scope="module")
def trained() -> Trained:
    return train(*twenty_days(), a_plan())


def test_trees_learn_what_fraud_looks_like_and_tell_how_well_on_later_days(trained: Trained) -> None:
    figures = trained.card.evaluation
    assert trained.card.kind == "boosted trees"
    assert figures.base_rate is not None
    assert figures.average_precision is not None
    assert figures.roc_auc is not None
    assert figures.average_precision > 5 * figures.base_rate
    assert figures.roc_auc > 0.9
    assert figures.precision_at["10"] >= 0.8


def test_the_exported_model_says_what_xgboost_says(trained: Trained) -> None:
    assert trained.card.export_difference_max < training.EXPORT_DIFFERENCE_MAX


def test_training_again_gives_the_same_bytes(trained: Trained) -> None:
    again = train(*twenty_days(), a_plan())
    assert (again.content, again.card) == (trained.content, trained.card)


def test_what_became_known_or_happened_after_the_split_does_not_reach_the_model(trained: Trained) -> None:
    orders, labels = twenty_days()
    known = [label for label in labels if label.known_at_ms <= SPLIT_MS]
    past = [order for order in orders if order.ordered_at_ms < SPLIT_MS]
    assert len(known) < len(labels)
    assert train(past, known, a_plan()).content == trained.content


def test_orders_too_young_for_their_labels_are_left_out(trained: Trained) -> None:
    orders, _ = twenty_days()
    ripe = [order for order in orders if order.ordered_at_ms < SPLIT_MS - 2 * DAY_MS]
    assert trained.card.training_orders == len(ripe)


@pytest.mark.parametrize("frauds", [0.0, 0.005, 1.0])
def test_with_too_little_to_learn_from_a_stated_prior_serves_and_the_card_says_so(frauds: float) -> None:
    card = train(*twenty_days(frauds=frauds), a_plan()).card
    assert (card.kind, card.evaluation.orders > 0) == ("prior", True)
    assert "trees need 20" in card.reason_for_kind
    assert card.evaluation.roc_auc is None or 0 <= card.evaluation.roc_auc <= 1


def test_figures_that_are_undefined_are_null() -> None:
    orders, _ = twenty_days(frauds=0.0)
    past = [order for order in orders if order.ordered_at_ms < SPLIT_MS]
    figures = train(past, [], a_plan()).card.evaluation
    assert (figures.orders, figures.base_rate, figures.average_precision, figures.precision_at) == (0, None, None, {})


def test_nothing_to_train_on_is_refused() -> None:
    with pytest.raises(NoOrders):
        train([an_order(ordered_at_ms=SPLIT_MS)], [], a_plan())
    with pytest.raises(NoOrders):
        default_split_ms([])


def test_the_split_is_a_midnight_after_three_quarters_of_the_days() -> None:
    days = [an_order(ordered_at_ms=START_MS + day * DAY_MS + 5) for day in range(8)]
    assert default_split_ms(days) == START_MS + 6 * DAY_MS
    assert default_split_ms(days[:1]) == START_MS


def test_the_prior_rises_with_amount_and_known_frauds_of_the_card() -> None:
    model = Model(prior(0.01))
    order, past = an_order(), earlier(1)
    plain = model.score(features(order, History()))
    assert plain == pytest.approx(0.01, rel=0.4)
    assert model.score(features(an_order(amount_minor=50_000), History())) > plain
    assert model.score(features(order, History([past], {past.order_id: [a_label(past)]}))) > plain


def test_a_version_is_loaded_back_with_the_same_bits(trained: Trained, tmp_path: Path) -> None:
    registry = ModelRegistry(tmp_path / "models")
    registry.publish(trained.content, trained.card)
    model, card = registry.load()
    assert model.version == registry.current_version() == trained.card.model_version
    assert (card["features"], card["feature_definition"]) == (list(FEATURE_NAMES), DEFINITION)
    sample = features(an_order(), History())
    assert score_bits(model.score(sample)) == score_bits(Model(trained.content).score(sample))
    assert "| Average precision | " in (tmp_path / f"models/versions/{model.version}/card.md").read_text()


def test_the_pointer_moves_to_the_newest_and_older_versions_stay(trained: Trained, tmp_path: Path) -> None:
    registry = ModelRegistry(tmp_path)
    other = train(*twenty_days(frauds=0.0), a_plan())
    for each in (trained, other):
        registry.publish(each.content, each.card)
    assert registry.current_version() == other.card.model_version
    assert registry.load(trained.card.model_version)[0].version == trained.card.model_version


def test_a_model_that_is_not_there_is_missing(tmp_path: Path) -> None:
    for version in (None, "0123456789abcdef"):
        with pytest.raises(ModelMissing):
            ModelRegistry(tmp_path).load(version)


def test_a_model_of_another_feature_definition_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    content = prior(0.01)
    monkeypatch.setattr("fraud.model.DEFINITION", "2-other")
    with pytest.raises(ModelMismatch):
        Model(content)
