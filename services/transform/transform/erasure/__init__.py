"""Forgetting a person: history rewritten without them, in place, so that everybody else's history stays."""
