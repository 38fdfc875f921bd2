"""What members read: plain words, whose fault it is, and whom to tell where the operator has said so."""

from __future__ import annotations

from pathlib import Path

from bot.model import FailureKind
from bot.ui.reply.endings import CHARGES, ENDINGS
from tests.acceptance.conftest import final, house_in, says

CONTACT = "ada@example.org"
#: Words of those who build and run the bot.
SHOP_TALK = ("image api", "ledger", " task", "whom to ask", "anew")


async def test_every_sentence_that_says_whom_to_tell_names_them(tmp_path: Path) -> None:
    variables = {"OPERATOR_CONTACT": CONTACT, "MAX_PICTURES_PER_USER_PER_DAY": "2"}
    async with house_in(tmp_path, variables=variables) as house:
        for scenario in ("balance", "bad-key", "bad-input", "fail-silent"):
            reply = await house.ben.command("imagine", prompt=f"a fox [[{scenario}]]")
            assert says(CONTACT)(await reply.until(final)), reply.text
        busy = await house.ada.command("imagine", prompt="a fox [[refuse-at-once]]")
        assert not says(CONTACT)(await busy.until(final))  # nobody can mend that
        for command in ("help", "privacy"):
            assert says(CONTACT)((await house.ben.command(command)).message)
        refused = await house.ada.command("imagine", prompt="a fox", count=4)
        assert says("nothing was started", CONTACT)(refused.message), refused.text


def test_no_ending_speaks_of_the_workshop() -> None:
    for kind, ending in ENDINGS.items():
        said = f"{ending.headline} {ending.meaning}".lower()
        assert not [word for word in SHOP_TALK if word in said], kind
        assert ending.tell is ("whoever runs this bot" in said), kind


def test_failures_that_nobody_here_caused_say_so() -> None:
    own = {
        *(FailureKind.REFUSED, FailureKind.MODERATED, FailureKind.BAD_INPUT, FailureKind.BAD_SOURCE),
        *(FailureKind.SOURCE_GONE, FailureKind.CANCELLED, FailureKind.REPLY_DELETED, FailureKind.UNACKNOWLEDGED),
        *(FailureKind.PARTIAL, FailureKind.UNDELIVERABLE),
    }
    silent = {kind for kind, ending in ENDINGS.items() if "not your fault" not in ending.meaning}
    assert silent == own


def test_whether_it_was_charged_says_what_that_means_for_a_member() -> None:
    assert all("charged" in said and "your pictures" in said for said in CHARGES.values())
