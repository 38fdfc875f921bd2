"""The sentences of /usage and /help for what is left."""

from __future__ import annotations

from bot.policy.admission import RequestContext, quotas_of
from bot.policy.quotas import Ceilings, Whose
from bot.policy.rules import RoleLimits, Rules
from bot.ui.panels.guide import LEFT
from bot.ui.panels.usage import QUOTA_NAMES

IN_SERVER = RequestContext(user_id=1, channel_id=2, guild_id=3, role_ids=frozenset({5}))
EVERY_CEILING = Ceilings(
    pictures_per_user_day=1,
    pictures_per_server_day=1,
    spend_per_server_day=1,
    spend_per_server_month=1,
    spend_per_day=1,
    spend_per_month=1,
)
EVERY_RULE = Rules(
    pictures_per_day=1,
    spend_per_day=1,
    spend_per_month=1,
    role_limits=(RoleLimits(role_id=5, pictures_per_day=1, pictures_per_month=1),),
)


def test_whatever_limits_somebody_has_its_own_words() -> None:
    quotas = quotas_of(IN_SERVER, EVERY_RULE, EVERY_CEILING)
    assert {quota.whose for quota in quotas} == set(Whose)
    for quota in quotas:
        assert LEFT[quota.whose, quota.what]
        if quota.whose is not Whose.EVERYONE:  # what the whole bot has left is no business of a member
            assert QUOTA_NAMES[quota.whose, quota.what, quota.span]
