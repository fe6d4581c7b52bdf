"""Models as ONNX bytes: boosted trees where there is something to learn from, a stated prior where there is not."""

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from fraud.features import DEFINITION, FEATURE_NAMES
from fraud.model import DEFINITION_KEY, INPUT, OUTPUT

# What every supported ONNX Runtime reads; newer ones would only narrow the choice.
OPSET, IR_VERSION = 15, 8

# The prior model's weights, in log-odds per unit of a feature. They are stated, not learned: an order's odds rise
# e-fold with every further 100.00 of its amount, with every known fraud of its card, and, tenfold, with a store whose
# ripe orders were all fraud.
PRIOR_WEIGHTS: dict[str, float] = {
    "amount_minor": 1 / 10_000,
    "card_known_frauds_30d": 1.0,
    "store_fraud_share_7d_to_28d_ppm": math.log(10) / 1_000_000,
}

TREE_PARAMETERS: dict[str, Any] = {
    "n_estimators": 150,
    "max_depth": 4,
    "learning_rate": 0.08,
    "min_child_weight": 1.0,
    "reg_lambda": 2.0,
    "tree_method": "hist",
    # One thread and a fixed seed: the same orders give the same bytes.
    "n_jobs": 1,
    "random_state": 7,
}


def boosted_trees(
    matrix: npt.NDArray[np.float32], frauds: npt.NDArray[np.int64]
) -> tuple[bytes, npt.NDArray[np.float32]]:
    """Train XGBoost on rows (orders, features) and verdicts 0/1; return the ONNX file and XGBoost's own scores."""
    import xgboost  # noqa: PLC0415 - serving must not load the trainer
    from onnxmltools.convert import convert_xgboost  # noqa: PLC0415
    from onnxmltools.convert.common.data_types import FloatTensorType  # noqa: PLC0415

    classifier = xgboost.XGBClassifier(**TREE_PARAMETERS, base_score=float(frauds.mean())).fit(matrix, frauds)
    inputs = [(INPUT, FloatTensorType([None, len(FEATURE_NAMES)]))]
    converted = convert_xgboost(classifier, name="fraud", initial_types=inputs)
    return _finished(converted), classifier.predict_proba(matrix)[:, 1]


def prior(base_rate: float) -> bytes:
    """Build a logistic model from the base rate and PRIOR_WEIGHTS, as an ONNX file."""
    weights = np.array([[PRIOR_WEIGHTS.get(name, 0.0)] for name in FEATURE_NAMES], dtype=np.float32)
    bias = np.array([math.log(base_rate / (1 - base_rate))], dtype=np.float32)
    nodes = [
        helper.make_node("MatMul", [INPUT, "weights"], ["weighted"]),
        helper.make_node("Add", ["weighted", "bias"], ["log_odds"]),
        helper.make_node("Sigmoid", ["log_odds"], ["fraud"]),
        helper.make_node("Sub", ["one", "fraud"], ["legitimate"]),
        helper.make_node("Concat", ["legitimate", "fraud"], [OUTPUT], axis=1),
    ]
    graph = helper.make_graph(
        nodes,
        "fraud",
        [helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, [None, len(FEATURE_NAMES)])],
        [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, [None, 2])],
        [
            numpy_helper.from_array(weights, "weights"),
            numpy_helper.from_array(bias, "bias"),
            numpy_helper.from_array(np.ones((1, 1), dtype=np.float32), "one"),
        ],
    )
    built = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
    return _finished(built)


def _finished(model: onnx.ModelProto) -> bytes:
    """Stamp the feature definition into the model, check it, and return its bytes."""
    helper.set_model_props(model, {DEFINITION_KEY: DEFINITION})
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString(deterministic=True))
