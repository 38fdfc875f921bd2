"""Progress and picture addresses in all their spellings."""

from __future__ import annotations

import math

import pytest

from bot.image_api.wire.results import MAX_RESULTS, percent_of, read_percent, result_addresses, unwrapped

A, B, C = (f"https://pictures.example/{name}.png?sig=a%2Bb,c" for name in "abc")


@pytest.mark.parametrize(
    ("value", "percent"),
    [
        ("0%", 0),
        ("30%", 30),
        (" 30 % ", 30),
        ("100%", 100),
        (30, 30),
        (0.3, 30),
        ("0.3", 30),
        ("0.3%", 0),
        (45.6, 46),
        (1, 1),
        (0, 0),
        (250, 100),
        (-5, 0),
        ("", None),
        (None, None),
        (True, None),
        ("NaN%", None),
        (math.nan, None),
        (math.inf, None),
        ("inf", None),
        ("1e999", None),
        (10**400, None),
        ("half", None),
        ("٣٠%", None),
        ({}, None),
        ([30], None),
    ],
)
def test_progress_is_read_in_any_spelling(value: object, percent: int | None) -> None:
    assert read_percent(value) == percent


def test_progress_may_stand_in_other_fields() -> None:
    assert percent_of({"progress": None, "percentage": "12%"}) == 12
    assert percent_of({}) is None


@pytest.mark.parametrize(
    ("task", "addresses"),
    [
        ({"metadata": {"result_urls": [A, B]}, "result_url": A}, (A, B)),
        ({"metadata": {"result_urls": [A]}, "result_urls": [B], "result_url": C}, (A, B, C)),
        ({"result_url": f"{A},{B}"}, (A, B)),
        ({"result_url": f"/v1/x , {A}"}, ("/v1/x", A)),
        ({"result_url": f"data:image/jpeg;base64,/9j/4AAQ,{A}"}, (f"data:image/jpeg;base64,/9j/4AAQ,{A}",)),
        ({"result_url": "https://cdn.example/w_100,/a.png"}, ("https://cdn.example/w_100,/a.png",)),
        ({"result_url": f'["{A}", "{B}", 3]'}, (A, B)),
        ({"result_url": "[broken"}, ()),
        ({"result_urls": ["", None, 4, A, A]}, (A,)),
        ({"result_urls": [{"url": A}, {"image_url": {"url": B}}]}, (A, B)),
        ({"url": A}, (A,)),
        ({"image_url": A}, (A,)),
        ({"images": [{"url": A}, {"url": B}]}, (A, B)),
        ({"output": A}, (A,)),
        ({"output": [A, B]}, (A, B)),
        ({"result": {"data": [{"url": A}, {"url": "", "b64_json": "QUJD"}]}}, (A, "data:image/*;base64,QUJD")),
        ({"data": {"data": [{"b64_json": "data:image/png;base64,QUJD"}]}}, ("data:image/png;base64,QUJD",)),
        ({"fail_reason": A}, (A,)),
        ({"result_url": "held:" + "0" * 32}, ("held:" + "0" * 32,)),
        ({"result_url": "held:../../etc/passwd"}, ()),
        ({"result_url": "file:///etc/passwd"}, ()),
        ({"result_url": "javascript:alert(1)"}, ()),
        ({"result_url": "https://pictures.example/two words"}, ()),
        ({"result_url": "https://" + "x" * 33_000}, ()),
        ({"result_urls": A}, (A,)),
        ({"result_urls": {"0": A}}, ()),
        (
            {"images": [{"image_url": {"url": "data:image/png;base64," + "A" * 9000}}]},
            ("data:image/png;base64," + "A" * 9000,),
        ),
        ({"images": [{"b64_json": "/9j/4AAQ"}]}, ("data:image/*;base64,/9j/4AAQ",)),
        ({"images": [{"b64_json": "held:../x"}]}, ("data:image/*;base64,held:../x",)),
    ],
)
def test_addresses_are_found_in_the_documented_order_each_once(
    task: dict[str, object], addresses: tuple[str, ...]
) -> None:
    assert result_addresses(task, task) == addresses


def test_fields_of_other_dialects_do_not_add_to_the_documented_ones() -> None:
    task = {"result_urls": [A], "images": [{"url": B}], "url": C}
    assert result_addresses(task, task) == (A,)


def test_no_more_addresses_are_taken_than_one_message_holds() -> None:
    task = {"result_urls": [f"https://pictures.example/{number}" for number in range(1000)]}
    assert len(result_addresses(task, task)) == MAX_RESULTS


def test_an_envelope_is_opened_and_a_list_of_pictures_is_none() -> None:
    task = {"task_id": "t", "data": {"status": "raw upstream answer"}}
    assert unwrapped({"code": "success", "data": task}) == task
    assert unwrapped({"data": {"task": task}}) == task
    assert unwrapped([task]) == task
    pictures = {"created": 1, "data": [{"url": A}, {"url": B}]}
    assert unwrapped(pictures) == pictures
