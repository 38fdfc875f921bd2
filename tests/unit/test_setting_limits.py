"""The operator's ceilings and the moderation route, as the environment says them."""

from __future__ import annotations

import pytest

from bot.config.settings import Settings, load
from bot.errors import SettingsError

NEEDED = {"DISCORD_TOKEN": "MTE5.fake.token", "UNIALL_API_KEY": "sk-fake-key", "UNIALL_BASE_URL": "https://a.example"}
PRICES = (
    "grok-imagine-image:1k=0.02,grok-imagine-image:2k=0.02,"
    "grok-imagine-image-quality:1k=0.05,grok-imagine-image-quality:2k=0.07"
)


def loaded(**variables: str) -> Settings:
    return load(None, NEEDED | variables)


def test_nothing_is_limited_unless_it_is_set() -> None:
    settings = loaded()
    assert settings.max_pictures_per_user_per_day is None
    assert settings.max_spend_per_month is None
    assert settings.max_queue_length is None
    assert settings.moderation_base_url is None
    assert settings.moderation_when_down == "refuse"


def test_pictures_are_whole_numbers_and_money_is_dollars() -> None:
    settings = loaded(
        MAX_PICTURES_PER_USER_PER_DAY="40", MAX_SPEND_PER_DAY="2.50", MAX_SPEND_PER_MONTH="$0.000001", PRICE_LIST=PRICES
    )
    assert settings.max_pictures_per_user_per_day == 40
    assert settings.max_spend_per_day == 2_500_000
    assert settings.max_spend_per_month == 1


@pytest.mark.parametrize("amount", ["0", "-1", "1,50", "much", "nan", "inf", "0.0000001", "1e9"])
def test_money_that_is_none_is_told(amount: str) -> None:
    with pytest.raises(SettingsError, match=r"MAX_SPEND_PER_DAY .*: write an amount in US dollars above 0"):
        loaded(MAX_SPEND_PER_DAY=amount)


def test_numbers_are_at_least_one() -> None:
    with pytest.raises(SettingsError) as caught:
        loaded(MAX_QUEUE_LENGTH="0", MAX_PICTURES_PER_SERVER_PER_DAY="0", MODERATION_WHEN_DOWN="perhaps")
    assert len(caught.value.faults) == 3


def test_off_means_off() -> None:
    assert loaded(MAX_QUEUE_LENGTH="off", MODERATION_BASE_URL="off").max_queue_length is None


def test_the_moderation_route_is_read_like_the_image_api_and_its_key_is_a_secret() -> None:
    settings = loaded(MODERATION_BASE_URL="https://mod.example/v1/", MODERATION_API_KEY="sk-moderation")
    assert settings.moderation_base_url == "https://mod.example"
    assert "sk-moderation" in settings.secrets
    assert "sk-moderation" not in repr(settings)
    with pytest.raises(SettingsError, match="MODERATION_BASE_URL is not an http or https address"):
        loaded(MODERATION_BASE_URL="mod.example")


@pytest.mark.parametrize(
    ("prices", "missing"),
    [
        (
            "",
            "grok-imagine-image:1k, grok-imagine-image:2k, "
            "grok-imagine-image-quality:1k, grok-imagine-image-quality:2k",
        ),
        (PRICES.replace("grok-imagine-image:2k=0.02,", ""), "grok-imagine-image:2k"),
        ("grok-imagine-image:1k=0.02,grok-imagine-image:2k=0.02", "grok-imagine-image-quality:1k"),
    ],
)
@pytest.mark.parametrize("name", ["PER_SERVER_PER_DAY", "PER_SERVER_PER_MONTH", "PER_DAY", "PER_MONTH"])
def test_a_budget_that_the_prices_cannot_keep_is_a_wrong_setting(name: str, prices: str, missing: str) -> None:
    with pytest.raises(SettingsError) as caught:
        loaded(PRICE_LIST=prices, **{f"MAX_SPEND_{name}": "5"})
    (fault,) = caught.value.faults
    assert fault.startswith(f"MAX_SPEND_{name} cannot be kept, since PRICE_LIST has no price for {missing}")
