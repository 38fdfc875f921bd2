"""MODELS: which models are on offer, read from text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.config.settings import load
from bot.errors import SettingsError
from bot.model import QUALITY, STANDARD
from bot.policy.catalog import (
    DEFAULT_CATALOG,
    MAX_ID_CHARS,
    MAX_LABEL_CHARS,
    MAX_MODELS,
    EntryFaults,
    parse_models,
)
from tests.each import each

REQUIRED = {"DISCORD_TOKEN": "token", "UNIALL_API_KEY": "key", "UNIALL_BASE_URL": "https://api.example.com"}
IDS = st.text("abcdefghijklmnopqrstuvwxyz0123456789-._/:", min_size=1, max_size=MAX_ID_CHARS).filter(
    lambda it: it not in {"all", "any", "unset", "grok-imagine"}
)
LABELS = st.text("abcXYZ äß日本🎨*_=()[]-", min_size=1, max_size=MAX_LABEL_CHARS).map(lambda it: " ".join(it.split()))


def reasons(text: str) -> tuple[str, ...]:
    with pytest.raises(EntryFaults) as caught:
        parse_models(text)
    return caught.value.reasons


def faults(**variables: str) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        load(None, REQUIRED | variables)
    return list(caught.value.faults)


def test_the_default_offers_the_two_models_of_the_api_s_page() -> None:
    assert load(None, REQUIRED).models == DEFAULT_CATALOG
    assert str(DEFAULT_CATALOG) == "grok-imagine-image=Standard,grok-imagine-image-quality=Quality"
    assert parse_models(str(DEFAULT_CATALOG)) == DEFAULT_CATALOG


@given(st.dictionaries(IDS, LABELS.filter(lambda it: bool(it) and it.casefold() != "all"), min_size=1, max_size=10))
def test_what_can_be_written_is_read_back_in_its_order(offers: dict[str, str]) -> None:
    if len({label.casefold() for label in offers.values()}) < len(offers):
        return
    text = " , ".join(f"{name} = {label}" for name, label in offers.items())
    catalog = parse_models(text)
    assert list(catalog.labels.items()) == list(offers.items())
    assert (catalog.default, catalog.models) == (next(iter(offers)), tuple(offers))
    assert parse_models(str(catalog)) == catalog


@given(st.text(max_size=300))
def test_any_text_is_read_or_said_to_be_wrong(text: str) -> None:
    try:
        catalog = parse_models(text)
    except EntryFaults:
        return
    assert 1 <= len(catalog.offers) <= MAX_MODELS
    assert all(0 < len(name) <= MAX_ID_CHARS and 0 < len(it) <= MAX_LABEL_CHARS for name, it in catalog.labels.items())


@pytest.mark.parametrize("text", ["painter-1", "painter-1,", " painter-1 ,,", "painter-1=painter-1"])
def test_a_model_without_a_label_is_called_by_its_id(text: str) -> None:
    assert parse_models(text).labels == {"painter-1": "painter-1"}


@each(
    ("text", "reason"),
    [
        (",", "names no model"),
        (" , ,", "names no model"),
        ("=Best", "no model before the ="),
        ("a=", "no label after the ="),
        ("a = ,b", "no label after the ="),
        ("a b=Best", "a space or another sign"),
        ("a\x07b=Best", "a space or another sign"),
        ("a" * (MAX_ID_CHARS + 1) + "=Best", f"longer than {MAX_ID_CHARS}"),
        ("a=" + "B" * (MAX_LABEL_CHARS + 1), f"longer than {MAX_LABEL_CHARS}"),
        ("a=B\x07", "cannot be shown"),
        ("all=Every", "menus use themselves"),
        ("unset", "menus use themselves"),
        ("a=All", "calls all models together"),
        ("grok-imagine=Best", "makes videos"),
        ("a,a", 'names the model "a" twice'),
        ("a=Best,a=Best", 'names the model "a" twice'),
        ("a,a=Best", 'names the model "a" twice'),
        ("a=One,b=Two,a=Three", 'names the model "a" twice'),
        ("a=Best,b=Best", 'the label "best"'),
        ("a=Best,b=BEST", 'the label "best"'),
        ("a,b=a", 'the label "a"'),
        (",".join(f"m{number}" for number in range(MAX_MODELS + 1)), "names 11 models, and at most 10"),
    ],
)
def test_a_wrong_value_says_what_is_wrong(text: str, reason: str) -> None:
    [told] = reasons(text)
    assert reason in told


def test_every_fault_is_told_together_with_those_of_other_variables() -> None:
    told = faults(MODELS="a=,b b=Two,c=Two", MAX_ACTIVE_JOBS="0", PRICE_LIST="c:1k=free")
    assert [fault.split(":")[0] for fault in told] == [
        'MODELS has "a=", which has no label after the =',
        'MODELS has "b b=Two", whose model holds a space or another sign that no name of a model has',
        'MODELS has two models with the label "two"',
        "MAX_ACTIVE_JOBS is below 1",
        'PRICE_LIST has "c',
    ]
    assert all(fault.endswith(".") for fault in told)


def test_the_price_list_names_only_models_on_offer() -> None:
    [told] = faults(MODELS="a=A,b:free=B", PRICE_LIST="a:1k=0.1,b:free:2k=0.2,grok-imagine-image:1k=0.02")
    assert "whose model is none of a, b:free, which MODELS offers" in told


def test_a_budget_needs_a_price_for_each_model_on_offer() -> None:
    [told] = faults(MODELS="a=A,b=B", PRICE_LIST="a:1k=0.1,a:2k=0.1,b:2k=0.3", MAX_SPEND_PER_DAY="5")
    assert "no price for b:1k" in told
    prices = "a:1k=0.1,a:2k=0.1,b:1k=0.2,b:2k=0.3"
    settings = load(None, REQUIRED | {"MODELS": "a=A,b=B", "PRICE_LIST": prices, "MAX_SPEND_PER_DAY": "5"})
    assert settings.max_spend_per_day == 5_000_000


@pytest.mark.parametrize("unset", ["", "  "])
def test_an_empty_value_is_the_default(unset: str) -> None:
    assert load(None, REQUIRED | {"MODELS": unset}).models.models == (STANDARD, QUALITY)
