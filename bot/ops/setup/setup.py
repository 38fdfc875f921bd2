"""The questions of `python -m bot setup`, in their order, and what is done with the answers.

Nothing is written before the last answer is there, so whoever breaks it off has what he had before.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

from bot.config.limits import dollars
from bot.config.settings import ENV_FILE, Settings, Sources
from bot.config.version import command
from bot.discord_api.invite import Invitation, invitation
from bot.discord_api.rest import DiscordUnreachable, discord_rest, objects
from bot.errors import BadKey, ImageApiError, SettingsError, StartError, Unreachable
from bot.image_api.client import ImageApi, Mode
from bot.ops.check.settings_side import standing_warnings
from bot.ops.setup.env_writer import expect_writable, write_settings
from bot.ops.setup.questions import WrongAnswer, ask
from bot.ops.terminal import Colour, Mark, coloured, marked, say, say_paragraph, waiting
from bot.policy.prices import INPUT, MAX_PRICE, MICROS

TOKEN, ADDRESS, KEY = "DISCORD_TOKEN", "UNIALL_BASE_URL", "UNIALL_API_KEY"  # names
SERVERS, PER_USER, PER_SERVER = "ALLOWED_SERVERS", "MAX_PICTURES_PER_USER_PER_DAY", "MAX_PICTURES_PER_SERVER_PER_DAY"
PRICES, BUDGET, CONTACT = "PRICE_LIST", "MAX_SPEND_PER_MONTH", "OPERATOR_CONTACT"
ASKED = frozenset({TOKEN, ADDRESS, KEY, SERVERS, PER_USER, PER_SERVER, PRICES, BUDGET, CONTACT})
PROPOSED = {PER_USER: "20", PER_SERVER: "200"}
ALL, NONE = "all", "off"
_OFF = frozenset({"", NONE, "none", "no"})

T = TypeVar("T")


def setup(file: Path) -> None:
    """Ask, check and write `file`. Raises StartError where the lines run out or the file cannot be written."""
    say_paragraph(
        f"This writes the settings of Easel into {file}. Every answer is checked at once. An answer in [brackets] is "
        "taken when you just press Enter. Ctrl-C ends it, and nothing is written."
    )
    expect_writable(file)
    answers = _SetupAnswers(Sources.read(file))
    answers.forget_wrong()
    _token(answers)
    _image_api(answers)
    _servers(answers)
    _ceilings(answers)
    _budget(answers)
    _contact(answers)
    invited = _asked("Discord", invitation(answers.settings(ADDRESS, KEY)))
    kept = write_settings(file, answers.given)
    _last_words(file, kept, invited, answers.settings())


class _SetupAnswers:
    """What was answered so far, over what the old file and the environment say."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self.given: dict[str, str] = {}

    def proposal(self, name: str) -> str:
        """What this variable is set to now; nothing where that is wrong."""
        return "" if name in self.given else self._sources.values().get(name, "")

    def settings(self, *unneeded: str) -> Settings:
        """The settings with the answers in them. Raises SettingsError."""
        file = self._sources.file
        others = {name: value for name, value in file.values.items() if name not in self.given}
        return Sources(replace(file, values=others), {**self._sources.environ, **self.given}).settings(unneeded)

    def forget_wrong(self) -> None:
        """Leave out what is wrong so far and is asked for again. Raises StartError where something else is wrong."""
        try:
            self.settings(TOKEN, ADDRESS, KEY)
        except SettingsError as error:
            named = {fault: fault.partition(" ")[0] for fault in error.faults}
            if others := [fault for fault, name in named.items() if name not in ASKED]:
                raise StartError(f"Nothing was written. First mend the other settings: {' '.join(others)}") from None
            self.given |= dict.fromkeys(named.values(), "")
            for fault in named:
                say_paragraph(marked(Mark.LOOK, f"What is set now is asked for again: {fault}"))

    def take(self, name: str, value: str, *unneeded: str) -> Settings:
        """Try an answer; returns the settings with it. Raises WrongAnswer where it cannot be one."""
        before = dict(self.given)
        self.given[name] = value
        try:
            return self.settings(*unneeded)
        except SettingsError as error:
            self.given = before
            mine = [fault for fault in error.faults if fault.startswith(f"{name} ")]
            if mine:
                raise WrongAnswer(mine[0]) from None
            # the file holds other faults; no answer here can mend them
            raise StartError(f"Nothing was written. First mend the other settings: {' '.join(error.faults)}") from None


def _good(text: str) -> None:
    say(marked(Mark.GOOD, text))


def _asked(whom: str, question: Coroutine[Any, Any, T]) -> T:
    """The answer of a service; at a terminal it is told who keeps us waiting."""
    with waiting(f"Asking {whom}"):
        return asyncio.run(question)


def _heading(title: str, *paragraphs: str) -> None:
    say()
    say(coloured(title, Colour.BOLD))
    for paragraph in paragraphs:
        say_paragraph(paragraph)


def _token(answers: _SetupAnswers) -> None:
    _heading(
        "Discord",
        "The bot needs an account of its own at Discord. Open https://discord.com/developers/applications, make a New "
        "Application, and on its page Bot press Reset Token. That token is what is asked for here. It is not shown "
        "while you paste it.",
    )

    def read(text: str) -> None:
        if not text:
            raise WrongAnswer("Please paste the token.")
        name = _asked("Discord", _bot_name(answers.take(TOKEN, text, ADDRESS, KEY)))
        _good(f"Discord knows this bot as {name}.")

    ask("Bot token", read, proposal=answers.proposal(TOKEN), secret=True)


async def _bot_name(settings: Settings) -> str:
    try:
        async with discord_rest(settings) as discord:
            user = await discord.get("users/@me")
    except DiscordUnreachable as error:
        raise WrongAnswer(f"Discord cannot be reached ({error}). Try again when the network is there.") from None
    except StartError:
        raise WrongAnswer("Discord does not accept this token. Press Reset Token and paste the new one.") from None
    if "username" not in user.fields:
        raise WrongAnswer(f"Discord gave no usable answer (status {user.status}). Try again in a moment.")
    return str(user.fields["username"])


def _image_api(answers: _SetupAnswers) -> None:
    _heading(
        "The image API",
        "Easel buys its pictures from an image API, with your account there. Two things are needed from the pages of "
        "that account: its address, which they call base URL, and a key, which begins with sk- at UniAll. Easel knows "
        "neither where you sign up nor what a picture costs: whoever runs the API says both.",
    )

    def read_address(text: str) -> None:
        """Take an address that an image API answers at. Raises WrongAnswer."""
        if not text:
            raise WrongAnswer("Please write the address, such as https://api.example.com.")
        settings = answers.take(ADDRESS, text if "://" in text else f"https://{text}", TOKEN, KEY)
        _asked("the image API", _answers_there(settings))
        _good("An image API answers there.")

    def read_key(text: str) -> None:
        """Take a key that the image API takes. Raises WrongAnswer."""
        if not text:
            raise WrongAnswer("Please paste the key.")
        settings = answers.take(KEY, text, TOKEN)
        _asked("the image API", _takes_the_key(settings))
        _good("The image API takes this key.")

    ask("Address of the image API", read_address, proposal=answers.proposal(ADDRESS))
    ask("Key of the image API", read_key, proposal=answers.proposal(KEY), secret=True)


async def _answers_there(settings: Settings) -> None:
    """An address is right when the API answers there, if only that the key is wrong."""
    try:
        await _probe(settings)
    except BadKey:
        return
    except Unreachable:
        raise WrongAnswer(
            "No image API answers there. Look at the spelling, and at the network of this machine."
        ) from None
    except ImageApiError as error:
        raise WrongAnswer(f"That is not it: {error}.") from None


async def _takes_the_key(settings: Settings) -> None:
    try:
        await _probe(settings)
    except ImageApiError as error:
        raise WrongAnswer(f"The image API does not take it: {error}.") from None


async def _probe(settings: Settings) -> None:
    key = settings.uniall_api_key.get_secret_value()
    mode, way = Mode(settings.uniall_mode), settings.proxies.for_url
    async with ImageApi(base_url=settings.uniall_base_url, api_key=key, mode=mode, proxy_for=way) as api:
        await api.probe()


def _servers(answers: _SetupAnswers) -> None:
    servers = _asked("Discord", _known_servers(answers.settings(ADDRESS, KEY)))
    _heading(
        "Who may use it",
        "Every picture costs you money, so let in only servers that you know. The bot leaves all others.",
        *(f"  {number}: {name} ({server_id})" for number, (server_id, name) in enumerate(servers, start=1)),
        "Write ids of servers with commas between them (in Discord: Settings, Advanced, Developer Mode; then "
        f"right-click the server, Copy Server ID), or {ALL} for every server that somebody adds the bot to.",
    )

    def read(text: str) -> None:
        if not servers and not text:
            answers.given["DIRECT_MESSAGES"] = answers.given["USER_INSTALLS"] = "listed"
            say(f"No server is listed yet: add {SERVERS} when you know its id, and switch Public Bot off until then.")
            return
        if text.lower() in {ALL, "everyone", "everybody"}:
            answers.take(SERVERS, "")
            return
        chosen = [
            servers[int(part) - 1][0] if part.isdecimal() and 0 < int(part) <= len(servers) else part
            for part in text.replace(",", " ").split()
        ]
        answers.take(SERVERS, ",".join(chosen))

    ask("Servers", read, proposal=answers.proposal(SERVERS) or (servers[0][0] if servers else ""))


async def _known_servers(settings: Settings) -> Sequence[tuple[str, str]]:
    """The ids and names of the servers that the bot is in already; none where Discord does not say."""
    try:
        async with discord_rest(settings) as discord:
            found = objects(await discord.get("users/@me/guilds"))
    except (DiscordUnreachable, StartError):
        return []
    return [(str(it["id"]), str(it.get("name", ""))) for it in found if str(it.get("id", "")).isdecimal()]


def _ceilings(answers: _SetupAnswers) -> None:
    _heading(
        "First limits",
        f"How many pictures may be asked for on one day. Change it later in the file; {NONE} is no limit.",
    )

    def reader(name: str) -> Callable[[str], None]:
        """What takes the answer for this ceiling."""

        def read(text: str) -> None:
            answers.take(name, "" if text.lower() in _OFF else text)

        return read

    ask("Pictures of one person a day", reader(PER_USER), proposal=answers.proposal(PER_USER) or PROPOSED[PER_USER])
    ask(
        "Pictures of one server a day",
        reader(PER_SERVER),
        proposal=answers.proposal(PER_SERVER) or PROPOSED[PER_SERVER],
    )


def _budget(answers: _SetupAnswers) -> None:
    _heading(
        "A limit in money",
        f"The most that all pictures of a month may cost, in US dollars; {NONE} leaves it at the limits in pictures. "
        "It needs to know what your image API takes for a picture, and asks for that next.",
    )

    def read(text: str) -> str:
        """Take an amount. It is kept once the prices are there, without which it cannot hold."""
        if text.lower() in _OFF:
            answers.take(BUDGET, "")
            return ""
        try:
            dollars(text)
        except ValueError as fault:
            raise WrongAnswer(f"That {fault}: write an amount such as 20, or {NONE}.") from None
        return text

    amount = ask("US dollars a month", read, proposal=answers.proposal(BUDGET) or NONE)
    if not amount:
        return
    settings = answers.settings(TOKEN, KEY, ADDRESS)
    prices: list[str] = []
    for model, label in settings.models.labels.items():
        for kind, what in (("1k", "a picture in 1k"), ("2k", "a picture in 2k"), (INPUT, "a picture to be edited")):
            known = settings.price_list.micros.get((model, kind))
            proposal = _plain(known) if known else "0" if kind == INPUT else ""
            price = ask(f"US dollars for {what}, {label}", _price, proposal=proposal)
            prices += [f"{model}:{kind}={price}"] if price != "0" or kind != INPUT else []
    answers.take(PRICES, ",".join(prices))
    answers.take(BUDGET, amount)
    known = answers.settings().price_list.micros
    if cheapest := min(price for (_, kind), price in known.items() if kind != INPUT):
        _good(f"That is enough for some {dollars(amount) // cheapest:,} pictures of the cheapest kind a month.")


def _price(text: str) -> str:
    """Take a price. Raises WrongAnswer."""
    if text.removeprefix("$").strip("0.") == "" and text:
        return "0"
    with contextlib.suppress(ValueError):
        if (price := dollars(text)) <= MAX_PRICE * MICROS:
            return _plain(price)
    raise WrongAnswer("Please write the price in US dollars, such as 0.02.")


def _plain(micros: int) -> str:
    return f"{(Decimal(micros) / MICROS).normalize():f}"


def _contact(answers: _SetupAnswers) -> None:
    _heading(
        "Whom people turn to",
        "A name, a Discord handle or an https address. It stands in /help and wherever somebody is told whom to ask.",
    )

    def read(text: str) -> None:
        answers.take(CONTACT, "" if text.lower() in _OFF else text)

    ask("Contact", read, proposal=answers.proposal(CONTACT) or NONE)


def _last_words(file: Path, kept: Path | None, invited: Invitation, settings: Settings) -> None:
    named = "" if file == ENV_FILE else f" --env-file {file}"
    _heading("Done")
    _good(f"{file} is written, for your eyes alone.")
    if kept is not None:
        say(f"What stood there before is in {kept}.")
    for warning in standing_warnings(settings):
        say_paragraph(marked(Mark.LOOK, warning))
    if invited.public:
        say_paragraph(
            "On the page Bot of your application switch Public Bot off, so that nobody else adds the bot to a server."
        )
    say("Bring the bot into your server with this address:")
    say(f"  {invited.server}")
    say(f"To see one real picture first, at its price: {command()}{named} check --paint")
    say("Then start it:")
    say(f"  {command()}{named}")
