"""The building blocks of every card, panel and form: five colours, containers, rows and buttons.

Everything built here is *stopped* before it is sent. discord.py keeps a view that still listens, to hand it its
clicks, and keeps it for ever where it has no timeout. Easel reads clicks from the interaction itself
(`kit/dispatch.py`), so the library has nothing to keep, and a button works after a restart just as before it.
"""

from __future__ import annotations

from typing import Any

import discord
from discord import ui

NEUTRAL = discord.Colour(0x8792A8)
WORKING = discord.Colour(0xE9A23B)
GOOD = discord.Colour(0x4F9D77)
BAD = discord.Colour(0xC8553D)
SETTINGS = discord.Colour(0x5B7FB8)

Part = ui.Item[Any]

MAX_CARD_CHARS = 4000  # of all texts of a message together
PROMPT_FILE = "prompt.txt"


def prompt_file() -> ui.File[Any]:
    """The whole of a prompt that is too long for a card. `interactions.show` sends the file along."""
    return ui.File(f"attachment://{PROMPT_FILE}")


def layout(*parts: Part) -> ui.LayoutView:
    """A message made of components. Discord takes 40 of them, the inner ones included, with 4,000 characters."""
    view = ui.LayoutView(timeout=None)
    for part in parts:
        view.add_item(part)
    view.stop()
    return view


def card(colour: discord.Colour, *parts: Part) -> ui.LayoutView:
    """A message that is one box with a coloured edge."""
    return layout(ui.Container(*parts, accent_colour=colour))


def text(*lines: str) -> ui.TextDisplay[Any]:
    """The lines that are not empty, one below the other."""
    return ui.TextDisplay("\n".join(line for line in lines if line))


def button(
    label: str,
    custom_id: str,
    style: discord.ButtonStyle = discord.ButtonStyle.secondary,
    *,
    disabled: bool = False,
) -> ui.Button[Any]:
    """A button; what it does stands in its custom id."""
    return ui.Button(label=label, style=style, custom_id=custom_id, disabled=disabled)


def row(*buttons: ui.Button[Any]) -> ui.ActionRow[Any]:
    """Up to five buttons side by side."""
    return ui.ActionRow(*buttons)


def form(title: str, custom_id: str, *fields: ui.Label[Any]) -> ui.Modal:
    """A form of up to five fields."""
    modal = ui.Modal(title=title, custom_id=custom_id)
    for field in fields:
        modal.add_item(field)
    modal.stop()
    return modal
