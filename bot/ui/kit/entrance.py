"""Whether the operator lets somebody in, asked once at the beginning of every answer, and what is said where not.

`policy/door.py` has the rule. Here is how an interaction tells by which way somebody came: Discord says for which
installation of the app it is. In a server that has the bot it is the server's; a person's own app brings itself along
wherever they are.
"""

from __future__ import annotations

from bot.policy.door import Closed, Door, Entrance
from bot.ui.kit import texts
from bot.ui.kit.interactions import Interaction
from bot.ui.kit.language import mark, tr

_SENTENCES = {
    Closed.BLOCKED_USER: mark("You may not use this bot. Nothing was started."),
    Closed.BLOCKED_SERVER: mark("This bot does not work in this server. Nothing was started."),
    Closed.SERVER: mark("This bot works in chosen servers only, and this is not one of them. Nothing was started."),
    Closed.DIRECT_MESSAGE: mark("This bot does not take requests in direct messages. Nothing was started."),
    Closed.USER_INSTALL: mark("This bot works only where a server has invited it. Nothing was started."),
}


def closed_to(interaction: Interaction, door: Door) -> Closed | None:
    """Why the person may not use the bot here; None where they may."""
    if interaction.guild_id is not None and interaction.is_guild_integration():
        entrance = Entrance.SERVER
    elif interaction.guild_id is None and interaction.context.dm_channel:
        entrance = Entrance.DIRECT_MESSAGE
    else:
        entrance = Entrance.USER_INSTALL
    return door.closed_to(interaction.user.id, interaction.guild_id, entrance)


def sentence(why: Closed) -> str:
    """One sentence for whoever is not let in, and whom to ask where the operator has said so."""
    return f"{tr(_SENTENCES[why])} {texts.whom_to_ask()}".rstrip()
