"""Fixtures every test may ask for, one plugin per kind."""

pytest_plugins = [
    "hypothesis_profiles",
    "long_tests",
    "kit_fixtures",
    "server_fixtures",
    "spark_fixture",
    "demo_fixture",
]
