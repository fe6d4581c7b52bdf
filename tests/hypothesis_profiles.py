"""How much Hypothesis tries: a hundred cases of each law, or with `--hypothesis-profile=long` a thousand."""

from hypothesis import Phase, settings

# A shared machine may pause for longer than any deadline, and no test asserts a time.
settings.register_profile("short", deadline=None)
settings.register_profile("long", deadline=None, max_examples=1000, print_blob=True)
# Of a mutant it matters that it is caught, not by how small a case, and it must be the same test each time.
settings.register_profile(
    "mutants", deadline=None, database=None, derandomize=True, phases=(Phase.explicit, Phase.generate)
)
settings.load_profile("short")


def fewer(cases: int) -> settings:
    """So many cases of a law that takes long to try; as many as of any law in the long profile."""
    is_long = settings.get_current_profile_name() == "long"
    return settings(deadline=None) if is_long else settings(max_examples=cases, deadline=None, derandomize=True)
