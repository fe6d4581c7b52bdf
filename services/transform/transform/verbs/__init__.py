"""The verbs that have a module of their own; each has `add`, which adds its parser, and sets what acts."""

from transform.verbs import erase, scan

VERBS = (scan, erase)
