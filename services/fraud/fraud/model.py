"""The model as training judges it and serving runs it: an ONNX session that scores one order at a time.

One thread and one row per call, always: sums over trees then happen in one order, so the bits of a score do not
depend on who asked.
"""

import hashlib

import numpy as np
import numpy.typing as npt
import onnxruntime as ort

from fraud.errors import ModelMismatch
from fraud.features import DEFINITION, Features

INPUT, OUTPUT = "features", "probabilities"
DEFINITION_KEY = "feature_definition"
# 64 bits of the digest tell any number of models apart that a shop will ever train.
VERSION_DIGITS = 16
LOG_ERRORS_ONLY = 3


def vector(features: Features) -> npt.NDArray[np.float32]:
    """Turn features into the model's input, shape (1, features); integers beyond 2^24 round to the nearest float32."""
    return np.array([features], dtype=np.float32)


class Model:
    """An ONNX classifier of one row: column 1 of `probabilities` is the probability of fraud."""

    def __init__(self, content: bytes) -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = LOG_ERRORS_ONLY
        self._session = ort.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        self._version = hashlib.sha256(content).hexdigest()[:VERSION_DIGITS]
        trained_on = self._session.get_modelmeta().custom_metadata_map.get(DEFINITION_KEY)
        if trained_on != DEFINITION:
            raise ModelMismatch(
                f"model {self._version} knows features {trained_on}, this code computes {DEFINITION}; train again"
            )

    @property
    def version(self) -> str:
        """The first 64 bits of the file's SHA-256, in hexadecimal."""
        return self._version

    def score(self, features: Features) -> float:
        """Return the probability of fraud, a float that holds a float32 exactly."""
        probabilities = self._session.run([OUTPUT], {INPUT: vector(features)})[0]
        return float(probabilities[0, 1])
