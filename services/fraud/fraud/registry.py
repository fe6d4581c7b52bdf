"""The folder of trained models: `versions/<version>/{model.onnx,card.json,card.md}` and the pointer file `current`."""

import json
import os
import tempfile
from pathlib import Path

from fraud.card import ModelCard
from fraud.errors import ModelMissing
from fraud.model import Model

POINTER = "current"


class ModelRegistry:
    """Keeps every version; `current` names the one to serve and is replaced atomically."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def publish(self, content: bytes, card: ModelCard) -> None:
        """Write a version and then point `current` at it; the same bytes may be published again."""
        version = self._folder / "versions" / card.model_version
        version.mkdir(parents=True, exist_ok=True)
        _replace(version / "model.onnx", content)
        _replace(version / "card.json", card.as_json().encode())
        _replace(version / "card.md", card.as_markdown().encode())
        _replace(self._folder / POINTER, f"{card.model_version}\n".encode())

    def current_version(self) -> str | None:
        """Return the version that `current` names, None before the first."""
        try:
            return (self._folder / POINTER).read_text().strip()
        except FileNotFoundError:
            return None

    def load(self, version: str | None = None) -> tuple[Model, dict[str, object]]:
        """Load a version, the current one by default, with its card; raises ModelMissing."""
        wanted = version or self.current_version()
        if wanted is None:
            raise ModelMissing("no model was trained yet; run `python -m fraud train`")
        folder = self._folder / "versions" / wanted
        try:
            model = Model((folder / "model.onnx").read_bytes())
            return model, json.loads((folder / "card.json").read_bytes())
        except FileNotFoundError as error:
            raise ModelMissing(
                f"there is no model {wanted} in FRAUD_MODEL_DIR; train it there", field="model_version"
            ) from error


def _replace(path: Path, content: bytes) -> None:
    """Replace a file so that a reader sees the old or the new content and nothing between."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    Path(temporary).replace(path)
