"""`check`: a line each for settings, database, Discord and the image API, and one for whatever else is wrong.

It changes nothing and buys nothing. Each finding is one line with what to do about it, so that an operator can work
through them from the top.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from urllib.parse import urlsplit

from bot.config.settings import Settings, Sources
from bot.config.version import command
from bot.discord_api.rest import DiscordUnreachable, ask, discord_rest
from bot.errors import (
    AddressRefused,
    BadKey,
    EaselError,
    ImageApiError,
    OutOfBalance,
    SettingsError,
    StoreInUse,
    Unreachable,
)
from bot.image_api.addresses import GuardedResolver
from bot.image_api.client import ImageApi, Mode
from bot.ops.check import discord_side, machine, settings_side
from bot.ops.check.findings import Finding, Status, faults, warnings
from bot.ops.terminal import Mark, marked, say, waiting
from bot.policy.moderation import open_moderation
from bot.store.migrate import StoreOutdated
from bot.store.store import Store

IMAGE_API = "image API"  # a part that findings are about
PATIENCE_S = 5.0  # for each; all are asked at the same time, and the whole has ten seconds
#: Where Discord keeps what people attach.
ATTACHMENT_HOSTS = ("cdn.discordapp.com", "media.discordapp.net")

_MENDS: dict[type[ImageApiError], str] = {
    BadKey: "write a key of your account there into UNIALL_API_KEY",
    OutOfBalance: "top up your account there",
    Unreachable: "look at UNIALL_BASE_URL and at the network of this machine",
}


async def check(sources: Sources, *, channel: int | None = None) -> bool:
    """Print what answers and what does not; True when nothing is wrong. Raises SettingsError.

    `channel` is a channel of Discord in which the bot's permissions are looked at too.
    """
    settings = checked_settings(sources)
    return sum_up(await look(sources, settings, channel=channel))


def checked_settings(sources: Sources) -> Settings:
    """The settings. Where they are wrong a line says so, and SettingsError is raised."""
    try:
        return sources.settings()
    except SettingsError as error:
        count = len(error.faults)
        Finding(Status.FAIL, "settings", f"{count} to mend: each is told on standard error.").show()
        raise


async def look(sources: Sources, settings: Settings, *, channel: int | None = None) -> list[Finding]:
    """Ask everything, and print each finding as it comes."""
    found: list[Finding] = []

    async def show(question: Awaitable[Sequence[Finding]]) -> None:
        """Print the findings of one question, and count them."""
        for finding in await question:
            finding.show()
            found.append(finding)

    report = CheckReport(settings, channel)
    await show(_at_once([Finding(Status.OK, "settings")]))
    await show(_at_once(warnings("settings", settings_side.warnings_of(sources, settings))))
    with waiting("Asking the database, Discord and the image API"):
        await asyncio.gather(
            show(_whether("database", report.database())),
            show(_whether("Discord", report.discord())),
            show(_whether(IMAGE_API, report.image_api())),
            show(_more(report.moderation())),
            show(_more(report.discord_details())),
            show(_more(report.models())),
            show(_more(report.balance())),
            show(_more(report.hosts())),
            show(_more(report.machine())),
        )
    await show(_more(report.whose_database()))
    return found


def sum_up(found: Sequence[Finding]) -> bool:
    """Print the last line; True when nothing has failed."""
    statuses = {finding.status for finding in found}
    mark = Mark.WRONG if Status.FAIL in statuses else Mark.LOOK if Status.WARN in statuses else Mark.GOOD
    say(marked(mark, _summary(found)))
    return mark is not Mark.WRONG


def _summary(found: Sequence[Finding]) -> str:
    failed = sum(finding.status is Status.FAIL for finding in found)
    warned = sum(finding.status is Status.WARN for finding in found)
    if failed:
        return f"{failed} to mend first: the lines that begin with FAIL say how." + (
            f" {warned} more to look at." if warned else ""
        )
    return f"It works; {warned} to look at." if warned else f"All is well: {command()} starts it."


async def _at_once(findings: Sequence[Finding]) -> Sequence[Finding]:
    return findings


async def _whether(part: str, question: Awaitable[str]) -> Sequence[Finding]:
    """One line, whatever comes of the question. Its answer says more where there is more to say."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            return [Finding(Status.OK, part, await question)]
    except TimeoutError:
        sentence = f"No answer within {PATIENCE_S:g} s: look whether it runs and can be reached from here."
        return faults(part, [sentence])
    except EaselError as error:
        return faults(part, [str(error)])


async def _more(question: Awaitable[Sequence[Finding]]) -> Sequence[Finding]:
    """Whatever else is wrong; nothing where there is no answer at all, which is told in a line of its own."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            return await question
    except (TimeoutError, EaselError):
        return []


class CheckFault(EaselError):
    """Something to be mended. The message is a sentence for the owner."""


class CheckReport:
    """Asks everything once. What one question learns, a later one may use."""

    def __init__(self, settings: Settings, channel: int | None) -> None:
        self._settings = settings
        self._channel = channel
        self._jobs_of: int | None = None
        self._bot: discord_side.Seen | None = None

    async def database(self) -> str:
        """What the line about the database adds; StartError is its fault."""
        try:
            store = await Store.open(self._settings.database_url, upgrade=False)
        except StoreInUse:
            return "in use by a running bot"
        except StoreOutdated:  # the version that wrote it may be running
            return "of an earlier version: the next start brings it up to date; back up first"
        try:
            await store.ping(PATIENCE_S)
            self._jobs_of = await store.lists.latest_application()
        finally:
            await store.close()
        return ""

    async def discord(self) -> str:
        """What the line about Discord adds. Raises CheckFault."""
        try:
            answer = await ask(self._settings)
        except DiscordUnreachable as error:
            raise CheckFault(
                f"No answer ({error}): look at the network of this machine and at DISCORD_API_URL."
            ) from None
        if not answer.sessions_left:
            raise CheckFault(
                f"Discord allows this bot no further session for {answer.renewed_in_s / 60:.0f} minutes: a start waits."
            )
        return f"the bot is {answer.name}"

    async def image_api(self) -> str:
        """What the line about the image API adds. Raises CheckFault."""
        async with self._api() as api:
            try:
                await api.probe()
            except ImageApiError as error:
                mend = next((mend for kind, mend in _MENDS.items() if isinstance(error, kind)), None)
                raise CheckFault(f"{error}: {mend}." if mend else f"{error}.") from None
        return ""

    async def moderation(self) -> Sequence[Finding]:
        """Only where the operator has named a route; while it is down, prompts may be refused."""
        settings = self._settings
        route = open_moderation(
            settings.moderation_base_url,
            settings.moderation_key,
            settings.moderation_model,
            lenient=False,
            proxy=settings.proxies.for_url(settings.moderation_base_url or ""),
        )
        async with route as moderation:
            fault = await moderation.fault() if moderation else None
        return faults("moderation", [f"The moderation route {fault}."] if fault else [])

    async def models(self) -> Sequence[Finding]:
        """Which of the models on offer the key cannot use, where the image API lists them."""
        async with self._api() as api:
            known = await api.models()
        missing = [] if known is None else [model for model in self._settings.models.models if model not in known]
        return warnings(
            "image API",
            [f"The key cannot use the model {name}: GET /v1/models does not list it." for name in missing],
        )

    async def balance(self) -> Sequence[Finding]:
        """Most servers do not tell it; those that do also limit a key without limit by a very large number."""
        async with self._api() as api:
            left = await api.balance()
        if left is None or left > 0:
            return []
        return faults(
            "image API", [f"The image API says that {left:.2f} US dollars are left: top up your account there."]
        )

    async def hosts(self) -> Sequence[Finding]:
        """Whether this machine's DNS gives addresses for picture hosts that are refused as private ones.

        Only Discord's own hosts are known beforehand; those that the settings name may lie anywhere.
        """
        if urlsplit(self._settings.discord_api_url).hostname != "discord.com":
            return []
        resolver = GuardedResolver(())
        found: list[str] = []
        for host in ATTACHMENT_HOSTS:
            if self._settings.proxies.for_url(f"https://{host}"):
                continue
            try:
                await resolver.resolve(host)
            except AddressRefused:
                found.append(
                    f"The DNS of this machine says that {host} lies in a private network, so attached pictures are "
                    "refused: let it ask another DNS server."
                )
            except OSError:
                pass  # no answer is the network's trouble, which the line about Discord tells
        await resolver.close()
        return warnings("machine", found)

    async def discord_details(self) -> Sequence[Finding]:
        """What an owner has to mend in the developer portal or in a channel. Raises CheckFault."""
        async with discord_rest(self._settings) as discord:
            self._bot = await discord_side.look(discord)
            try:
                found = list(discord_side.faults_of(self._bot))
                if self._channel is not None:
                    found += await discord_side.faults_in_channel(discord, self._bot, self._channel)
            except (AttributeError, KeyError, TypeError, ValueError):
                raise CheckFault("an answer that is not Discord's") from None
        public = self._bot.application.get("bot_public")
        return [
            *faults("Discord", found),
            *warnings("Discord", settings_side.public_bot_warning(self._settings, public=public)),
        ]

    async def machine(self) -> Sequence[Finding]:
        """What is wrong with this machine."""
        return faults("machine", await asyncio.to_thread(machine.faults_of, self._settings))

    async def whose_database(self) -> Sequence[Finding]:
        """Whether the jobs in the database are those of another bot."""
        if self._jobs_of is None or self._bot is None or self._bot.application_id in {None, self._jobs_of}:
            return []
        sentence = (
            f"The jobs in the database are of the application {self._jobs_of}, and DISCORD_TOKEN is that of "
            f"{self._bot.application_id}: write that application's token, or give this bot another DATABASE_URL."
        )
        return faults("database", [sentence])

    def _api(self) -> ImageApi:
        settings = self._settings
        key = settings.uniall_api_key.get_secret_value()
        mode, way = Mode(settings.uniall_mode), settings.proxies.for_url
        return ImageApi(base_url=settings.uniall_base_url, api_key=key, mode=mode, proxy_for=way)
