"""What can be seen in the settings alone: they are right one by one, and together they may still do harm."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from ipaddress import ip_address
from urllib.parse import urlsplit

from bot.config.settings import Settings, Sources

_OTHER_PROXIES = ("ALL_PROXY", "all_proxy", "SOCKS_PROXY", "socks_proxy", "WSS_PROXY", "wss_proxy")

NO_CEILING = (
    "Nothing bounds what can be spent: set ALLOWED_SERVERS, or a ceiling such as MAX_PICTURES_PER_USER_PER_DAY."
)


def warnings_of(sources: Sources, settings: Settings) -> Iterator[str]:
    """A sentence for each thing that should be looked at."""
    yield from sources.notices()
    if sources.file.open_to_others:
        yield (
            f"{sources.file.path} can be read by other users of this machine, with the keys in it: "
            f"chmod 600 {sources.file.path}"
        )
    yield from _plain_addresses(settings)
    yield from _unused_proxies(sources.environ, settings)


def standing_warnings(settings: Settings) -> Sequence[str]:
    """What is worth saying as long as the bot runs with these settings, without asking anybody."""
    open_door = () if has_ceiling(settings) or settings.allowed_servers else (NO_CEILING,)
    return [*open_door, *_plain_addresses(settings)]


def has_ceiling(settings: Settings) -> bool:
    """Whether anything bounds what everybody together can spend."""
    ceilings = settings.ceilings
    return any(
        limit is not None
        for limit in (
            ceilings.pictures_per_user_day,
            ceilings.pictures_per_server_day,
            ceilings.spend_per_server_day,
            ceilings.spend_per_server_month,
            ceilings.spend_per_day,
            ceilings.spend_per_month,
        )
    )


def public_bot_warning(settings: Settings, *, public: bool | None) -> Iterator[str]:
    """Anybody may add a public bot to a server, and spend the operator's money there."""
    if public and not has_ceiling(settings) and not settings.allowed_servers:
        yield (
            "Anybody can add this bot to a server and spend your money: switch Public Bot off on the page Bot of your "
            "application, or set ALLOWED_SERVERS, or a ceiling such as MAX_PICTURES_PER_USER_PER_DAY."
        )


def _addresses(settings: Settings) -> Mapping[str, str]:
    addresses = {"UNIALL_BASE_URL": settings.uniall_base_url, "DISCORD_API_URL": settings.discord_api_url}
    if settings.moderation_base_url:
        addresses["MODERATION_BASE_URL"] = settings.moderation_base_url
    return addresses


def _plain_addresses(settings: Settings) -> Iterator[str]:
    for name, address in _addresses(settings).items():
        parts = urlsplit(address)
        if parts.scheme == "http" and not _is_this_machine(parts.hostname or ""):
            yield f"{name} begins with http://, so whoever is on the way reads the key and the prompts: write https://."


def _is_this_machine(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _unused_proxies(environ: Mapping[str, str], settings: Settings) -> Iterator[str]:
    for name in _OTHER_PROXIES:
        if environ.get(name, "").strip():
            yield f"{name} is set and not used: write HTTPS_PROXY and HTTP_PROXY, which Easel reads."
    addresses = _addresses(settings)
    schemes = {urlsplit(address).scheme for address in addresses.values()}
    used = {settings.proxies.for_url(address) for address in addresses.values()}
    if settings.http_proxy and not settings.https_proxy and "https" in schemes:
        yield (
            "HTTP_PROXY is not used for addresses that begin with https://, such as Discord's: set HTTPS_PROXY too if "
            "this machine needs the proxy."
        )
    elif settings.https_proxy and "https" in schemes and settings.https_proxy not in used:
        yield "HTTPS_PROXY is set and not used: NO_PROXY takes every address of the settings out of it."
    elif settings.https_proxy and not settings.http_proxy and schemes == {"http"}:
        yield "HTTPS_PROXY is set and not used: all addresses of the settings begin with http://."
