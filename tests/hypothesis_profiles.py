"""How much Hypothesis tries: a hundred cases of each law, or with `--hypothesis-profile=long` a thousand."""

from hypothesis import settings

# A shared machine may pause for longer than any deadline, and no test asserts a time.
settings.register_profile("short", deadline=None)
settings.register_profile("long", deadline=None, max_examples=1000, print_blob=True)
settings.load_profile("short")
