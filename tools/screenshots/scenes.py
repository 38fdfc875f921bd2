"""What is played, and what is shown of it. The order matters: later shots show what earlier ones have painted."""

from __future__ import annotations

from tools.screenshots.files import keep
from tools.screenshots.stage import Screen, Stage

PHONE = 390
NARROW_HEIGHT = 2400
LIGHTHOUSE = "/imagine prompt:a lighthouse at dusk, oil on canvas count:4"
FURTHER = (
    "/imagine prompt:a red fox in fresh snow count:2",
    "/imagine prompt:a paper boat on a violet sea aspect_ratio:16:9",
    "/imagine prompt:an owl in a pine forest, ink and wash count:3",
)

#: Every picture that is made, and what is to be seen in it.
SHOTS = {
    "reply": "A finished reply: four pictures of a lighthouse, and its buttons",
    "reply-dark": "The same in the dark theme",
    "reply-phone": "The same on a phone",
    "painting": "A reply while its pictures are painted",
    "edit-form": "The form behind Edit, which asks which picture",
    "details": "Details of a request",
    "refusal": "A refusal that keeps the words, with Change and try again",
    "help": "/help",
    "gallery": "/gallery",
    "gallery-phone": "/gallery on a phone",
    "preferences": "/preferences",
    "usage": "/usage",
    "settings": "/settings, Access",
    "settings-limits": "/settings, Limits",
    "draft": "What a moderator is asked about a draft, with Approve and Decline",
    "draft-decided": "The same once it is approved",
}


class Takes:
    """Takes the shots and remembers which of them changed."""

    def __init__(self) -> None:
        self.taken: list[str] = []
        self.changed: list[str] = []

    def take(self, name: str, png: bytes) -> None:
        """Put one into its file."""
        assert name in SHOTS, name
        self.taken.append(name)
        if keep(name, png):
            self.changed.append(name)


async def play(stage: Stage, takes: Takes) -> None:
    """Play everything once."""
    async with stage.screen() as ada:
        for line in FURTHER:
            await ada.paint(line)
        await _reply(stage, ada, takes)
        await _panels(ada, takes)
        await _settings(ada, takes)
        for rule, value in (("Log channel", "#general"), ("Drafts are approved", "on")):
            await ada.button("Dismiss").click()
            await ada.send(f"/settings rule:{rule} value:{value}")
            await ada.last.get_by_text(f"Saved: {rule}").wait_for()
    async with stage.screen("Ben") as ben:
        await ben.send("/imagine prompt:a dragon over the sea, watercolour count:4")
        await ben.button("Change and try again").wait_for()
        takes.take("refusal", await ben.picture(ben.last))
        await ben.button("Dismiss").click()
        await _draft(stage, ben, takes)
    assert set(takes.taken) == set(SHOTS), set(SHOTS) ^ set(takes.taken)


async def _reply(stage: Stage, ada: Screen, takes: Takes) -> None:
    """From the first card to the finished reply, and what its buttons open."""
    await ada.send(LIGHTHOUSE)
    await ada.last.get_by_text("▰").first.wait_for()
    takes.take("painting", await ada.picture(ada.last))
    await ada.button("Again").wait_for()
    takes.take("reply", await ada.picture(ada.last))
    async with stage.screen(dark=True) as at_night:
        takes.take("reply-dark", await at_night.picture(at_night.last))
    async with stage.screen(width=PHONE, height=NARROW_HEIGHT) as phone:
        takes.take("reply-phone", await phone.picture(phone.last))
    await ada.button("Edit").click()
    await ada.dialog.get_by_label("Prompt").fill("the same in winter, with snow on the rocks")
    takes.take("edit-form", await ada.picture(ada.dialog))
    await ada.tab.keyboard.press("Escape")
    await ada.button("Details").click()
    await ada.last.get_by_text("Settings").wait_for()
    takes.take("details", await ada.picture(ada.last))
    await ada.button("Dismiss").click()


async def _panels(ada: Screen, takes: Takes) -> None:
    """The panels of a member."""
    for command in ("help", "gallery", "preferences", "usage"):
        await ada.send(f"/{command}")
        await ada.button("Dismiss").wait_for()
        await ada.last.locator(".card").first.wait_for()
        takes.take(command, await ada.picture(ada.last))
        if command == "gallery":
            await ada.tab.set_viewport_size({"width": PHONE, "height": NARROW_HEIGHT})
            takes.take("gallery-phone", await ada.picture(ada.last))
            await ada.tab.set_viewport_size({"width": 1000, "height": 1400})
        await ada.button("Dismiss").click()


async def _settings(ada: Screen, takes: Takes) -> None:
    """The panel for those who manage the server."""
    await ada.send("/settings max_count:2 pictures_per_member_day:20")
    await ada.button("Limits").wait_for()
    takes.take("settings-limits", await ada.picture(ada.last))
    await ada.button("Access").click()
    await ada.button("Reset Access").wait_for()
    takes.take("settings", await ada.picture(ada.last))


async def _draft(stage: Stage, ben: Screen, takes: Takes) -> None:
    """A private picture that a moderator is asked about, and approves."""
    await ben.paint("/imagine prompt:a fox asleep under northern lights count:2 private:True")
    await ben.button("Post here").click()
    async with stage.screen(place="general") as moderator:
        await moderator.button("Approve").wait_for()
        takes.take("draft", await moderator.picture(moderator.last))
        await moderator.button("Approve").click()
        await moderator.last.get_by_text("To the picture").wait_for()
        takes.take("draft-decided", await moderator.picture(moderator.last))
