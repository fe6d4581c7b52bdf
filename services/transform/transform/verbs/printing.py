"""How verbs answer: one JSON object per line on standard output."""

import json
import sys
from collections.abc import Mapping


def print_json(answer: Mapping[str, object]) -> None:
    """Write an answer."""
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()  # `run --every` goes on for days after a line
