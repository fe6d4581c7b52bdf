from datetime import timedelta

import pytest
from inventory.settings import Settings
from pydantic import ValidationError


def test_the_redis_of_the_platform_is_used_unless_inventory_has_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOPSPHERE_REDIS_URL", "redis://shared:6379/0")
    assert Settings().redis_url.get_secret_value() == "redis://shared:6379/0"
    monkeypatch.setenv("INVENTORY_REDIS_URL", "redis://own:6379/0")
    assert Settings().redis_url.get_secret_value() == "redis://own:6379/0"


def test_production_refuses_a_redis_without_a_real_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOPSPHERE_ENVIRONMENT", "prod")
    for url in ("redis://redis:6379/0", "redis://:change-me@redis:6379/0"):
        monkeypatch.setenv("INVENTORY_REDIS_URL", url)
        with pytest.raises(ValidationError, match="INVENTORY_REDIS_URL"):
            Settings()
    monkeypatch.setenv("INVENTORY_REDIS_URL", "redis://:3vNq81xT@redis:6379/0")
    assert Settings().retention.answers == timedelta(days=1)


def test_the_password_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INVENTORY_REDIS_URL", "redis://:3vNq81xT@redis:6379/0")
    assert "3vNq81xT" not in repr(Settings())
