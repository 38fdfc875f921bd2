"""Environments for settings, and what is wrong with them."""

from __future__ import annotations

import pytest

from bot.config.settings import Settings, load
from bot.errors import SettingsError

#: The variables without which no bot starts.
REQUIRED = {
    "DISCORD_TOKEN": "MTE5.fake.token",
    "UNIALL_API_KEY": "sk-fake-key",
    "UNIALL_BASE_URL": "https://api.example.com/v1",
}


def loaded(**variables: str) -> Settings:
    return load(None, {**REQUIRED, **variables})


def faults(**variables: str) -> tuple[str, ...]:
    with pytest.raises(SettingsError) as caught:
        loaded(**variables)
    return caught.value.faults
