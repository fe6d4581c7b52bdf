"""Fixtures every test may ask for, one plugin per kind."""

pytest_plugins = ["kit_fixtures", "server_fixtures", "spark_fixture"]
