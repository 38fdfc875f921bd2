"""Progress and picture addresses in all their spellings."""

from __future__ import annotations

import base64
import math
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.image_api.wire.result_addresses import MAX_RESULTS, result_addresses
from bot.image_api.wire.task_state import described_task, percent_of, read_percent
from tests.each import each

A, B, C = (f"https://pictures.example/{name}.png?sig=a%2Bb,c" for name in "abc")


@each(
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


@each(
    ("task", "addresses"),
    [
        ({"metadata": {"result_urls": [A, B]}, "result_url": A}, (A, B)),
        ({"metadata": {"result_urls": [A]}, "result_urls": [B], "result_url": C}, (A, B, C)),
        ({"result_url": f"{A},{B}"}, (A, B)),
        ({"result_url": f"/v1/x , {A}"}, ("/v1/x", A)),
        ({"result_url": f"data:image/jpeg;base64,/9j/4AAQ,{A}"}, ("data:image/jpeg;base64,/9j/4AAQ", A)),
        ({"result_url": "https://cdn.example/w_100,/a.png"}, ("https://cdn.example/w_100,/a.png",)),
        ({"result_url": f'["{A}", "{B}", 3]'}, (A, B)),
        ({"result_url": f'[["{A}"], [], ["{B}", [["{C}"]]]]'}, (A, B, C)),
        ({"result_url": f'[{{"url": "{A}"}}, {{"url": "{B}", "width": 3}}]'.replace("/", "\\/")}, (A, B)),
        ({"result_url": f'[{{"prompt": "like {C}", "url": "{A}"}}, {{"file": "{B}"}}]'}, (A, B)),
        ({"result_url": "[broken"}, ()),
        ({"result_url": "[" * 100_000}, ()),
        ({"result_urls": ["", None, 4, A, A]}, (A,)),
        ({"result_urls": [{"url": A}, {"image_url": {"url": B}}]}, (A, B)),
        ({"url": A}, (A,)),
        ({"image_url": A}, (A,)),
        ({"images": [{"url": A}, {"url": B}]}, (A, B)),
        ({"output": A}, (A,)),
        ({"output": [A, B]}, (A, B)),
        ({"result": {"data": [{"url": A}, {"url": "", "b64_json": "QUJD"}]}}, (A, "data:image/*;base64,QUJD")),
        ({"data": {"data": [{"b64_json": "data:image/png;base64,QUJD"}]}}, ("data:image/*;base64,QUJD",)),
        ({"fail_reason": A}, (A,)),
        ({"result_url": "held:" + "0" * 32}, ("held:" + "0" * 32,)),
        ({"result_url": "held:../../etc/passwd"}, ()),
        ({"result_url": "file:///etc/passwd"}, ()),
        ({"result_url": "javascript:alert(1)"}, ()),
        ({"result_url": "https://pictures.example/two words"}, ("https://pictures.example/two%20words",)),
        ({"result_url": "https://" + "x" * 33_000}, ()),
        ({"result_urls": A}, (A,)),
        ({"result_urls": {"0": A}}, ()),
        (
            {"images": [{"image_url": {"url": "data:image/png;base64," + "A" * 9000}}]},
            ("data:image/*;base64," + "A" * 9000,),
        ),
        ({"images": [{"b64_json": "/9j/4AAQ"}]}, ("data:image/jpeg;base64,/9j/4AAQ",)),
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


PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(250))
B64 = base64.b64encode(PNG).decode()
PNG_URI = f"data:image/png;base64,{B64}"
SPACED = "https://pictures.example/a red fox (1).png?sig=1"

#: Wrappings that gateways put around an address.
WRAPPINGS = [
    "{}",
    "  {}\n",
    "![a red fox]({})",
    '![a fox]({} "a title")',
    "[see it]({})",
    "<{}>",
    '"{}"',
    "'{}'",
    "`{}`",
    "Here it is: {} Enjoy!",
    "Here it is:\n\n{}\n\nEnjoy!",
    '<img src="{}" alt="a fox">',
    '["{}"]',
    "({})",
    "{}, {}",
    "{}\n{}",
    "{} | {}",
]


@each(
    ("address", "found"),
    [
        (A, A),
        (SPACED, SPACED.replace(" ", "%20")),
        ("HTTPS://Pictures.example/图.webp", "HTTPS://Pictures.example/图.webp"),
        ("https://proxy.example/f?u=https://x.example/a.png", "https://proxy.example/f?u=https://x.example/a.png"),
        (PNG_URI, PNG_URI),
        (PNG_URI.upper().replace(B64.upper(), B64), PNG_URI),
        (f"data:image/png;charset=utf-8;base64,{quote(B64, safe='')}", PNG_URI),
        (quote(PNG_URI, safe=""), PNG_URI),
        (f"data:application/octet-stream;base64,{base64.urlsafe_b64encode(PNG).decode().rstrip('=')}", PNG_URI),
        ("held:" + "0123456789abcdef" * 2, "held:" + "0123456789abcdef" * 2),
    ],
)
def test_an_address_is_found_in_any_wrapping(address: str, found: str) -> None:
    for wrapping in WRAPPINGS:
        if "data" in found and "Enjoy" in wrapping and "\n" not in wrapping:
            text = f"Here it is: {address}. Enjoy!"  # the letters of prose would be base64 as well
        else:
            text = wrapping.format(address, address)
        for task in ({"result_url": text}, {"metadata": {"result_urls": [text, text]}}, {"images": [{"url": text}]}):
            assert result_addresses(task, task) == (found,), (wrapping, task)


@pytest.mark.parametrize(
    "text",
    [
        B64,
        "\n".join(B64[at : at + 76] for at in range(0, len(B64), 76)),
        base64.urlsafe_b64encode(PNG).decode().rstrip("="),
        f"<{B64}>",
        f'"{B64}"',
        f" {B64}\r\n",
    ],
    ids=["plain", "lines", "web", "brackets", "quotes", "spaces"],
)
@pytest.mark.parametrize("field", ["result_url", "result_urls", "output", "b64_json", "url"])
def test_base64_without_a_head_is_a_picture_in_any_field(field: str, text: str) -> None:
    task = {field: [text] if field in {"result_urls", "output"} else text}
    assert result_addresses(task, task) == (PNG_URI,)


@pytest.mark.parametrize("head", [b"\xff\xd8\xff\xe0", b"\xff\xd8\xff\xdb", b"GIF89a", b"RIFF\x01\x02\x03\x04WEBPVP8 ",
                                  b"\0\0\0\x1cftypavif\0\0\0\0", b"\0\0\0\x20ftypavis"])  # fmt: skip
def test_base64_of_every_format_that_discord_shows_is_known(head: bytes) -> None:
    text = base64.b64encode(head + bytes(range(100))).decode()
    (found,) = result_addresses({"result_url": text}, {"result_url": text})
    assert base64.b64decode(found.partition(",")[2]) == head + bytes(range(100))


@given(
    kinds=st.lists(st.sampled_from(["data", "result", "response", "payload", "output", "envelope", "x"]), max_size=4),
    extra=st.dictionaries(st.sampled_from(["code", "message", "msg", "ok", "status", "trace"]), st.just("success")),
    bare=st.booleans(),
)
def test_the_documented_answer_is_found_in_any_envelope(kinds: list[str], extra: dict[str, str], bare: bool) -> None:
    metadata = {"task_type": "text2image", "result_count": 2, "result_urls": [A, B]}
    task: dict[str, object] = {"task_id": "task_1", "status": "succeeded", "progress": "100%", "result_url": A}
    task |= {"metadata": metadata, "error": None}
    pictures: dict[str, object] = {"created": 1, "data": [{"url": A, "revised_prompt": ""}, {"url": B}]}
    body: object = pictures if bare else task
    for kind in kinds:
        body = {**extra, kind: body}
    found = described_task(body)
    assert result_addresses(body, found) == (A, B)
    if not bare:
        assert found == task


def test_what_was_sent_is_no_result() -> None:
    source = "https://cdn.discordapp.com/attachments/1/2/fox.png?ex=1"
    echo = {"task_id": "t", "input": {"image_url": source}, "image_url": source, "images": [{"url": source}]}
    assert result_addresses(echo, echo, [source]) == ()
    assert result_addresses({"x": {"input": {"url": A}}}, {}) == ()


def test_an_envelope_is_opened_and_a_list_of_pictures_is_none() -> None:
    task = {"task_id": "t", "data": {"status": "raw upstream answer"}}
    assert described_task({"code": "success", "data": task}) == task
    assert described_task({"data": {"task": task}}) == task
    assert described_task([task]) == task
    pictures = {"created": 1, "data": [{"url": A}, {"url": B}]}
    assert described_task(pictures) == pictures
