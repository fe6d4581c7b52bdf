"""The verbs of the command line, one module each: `add` makes the parser, `run` acts and returns the exit code."""

from transform.verbs import lineage, rollback

VERBS = (lineage, rollback)
