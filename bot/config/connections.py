"""Part of the table of settings: whom Easel talks to, and as whom.

The words in each About are what operators read: the first goes into .env.example, the second ends the sentence
"write …" on a wrong value, the third is the example. A function here raises ValueError with the end of a sentence that
begins with the variable's name, or SettingFault where it also knows what to write instead.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from bot.config.proxies import Proxies, proxy_url
from bot.config.variable import (
    A_NUMBER,
    AUTOMATIC,
    EMPTY,
    MAX_NUMBER,
    MAX_PORT,
    OFF,
    About,
    Before,
    Secret,
    SettingFault,
    api_base,
    http_url,
    is_host,
    number,
    one_of,
    secret,
    setting,
    setting_after,
    whole_numbers,
)
from bot.policy.catalog import DEFAULT_CATALOG, MAX_MODELS, ModelCatalog, parse_models
from bot.store.url import UrlFault, normal_url, passwords_of

DISCORD_API_PATH = "/api/v10"


def discord_base(text: str) -> str:
    """Discord's REST base, which names the version of the API that this program speaks.

    A route behind the version is the usual slip (pasted from a log of a proxy), so that sentence says what to leave.
    """
    base = http_url(text)
    if not base.endswith(DISCORD_API_PATH):
        before, path, _ = base.partition(f"{DISCORD_API_PATH}/")
        if path:
            raise SettingFault("has a route at its end", f"only {before}{DISCORD_API_PATH}")
        raise ValueError(f"does not end in {DISCORD_API_PATH}")
    return base


def database(text: str) -> str:
    """The address of a database, with the home folder filled in and the password escaped.

    Whether anything answers there is not asked: that is for the start, which can wait for a database that comes up
    late.
    """
    try:
        return normal_url(text)
    except UrlFault as fault:
        raise ValueError(fault.reason) from None


def hosts(text: str) -> frozenset[str]:
    """Hosts, each with or without a port, in small letters; `[…]` around an IPv6 address.

    One normal form per host, since the guard against private addresses compares text. A path or a login is refused
    rather than dropped: somebody who writes one believes that it narrows what is opened.
    """
    found: set[str] = set()
    for part in text.replace(",", " ").lower().split():
        if "/" in part:
            raise ValueError("holds an address, and only its host and port belong here")
        bare_ipv6 = part.count(":") > 1 and not part.startswith("[")
        try:
            parts = urlsplit(f"//[{part}]" if bare_ipv6 else f"//{part}")
            host, port = parts.hostname, parts.port
        except ValueError:
            raise ValueError("holds something that is no host") from None
        if not host or not is_host(host) or "@" in part or port == 0:
            raise ValueError("holds something that is no host")
        host = f"[{host}]" if ":" in host else host.rstrip(".")
        found.add(host if port is None else f"{host}:{port}")
    return frozenset(found)


def _shards(text: str, before: Before) -> tuple[int, ...]:
    """Shards that are there, each named once: two processes with one shard would both answer each click.

    Where the count itself is wrong it is missing from `before`, and that one fault is enough to tell.
    """
    ids = whole_numbers(text)
    count: int | None = before.get("discord_shard_count", MAX_NUMBER)
    if count is None:
        raise ValueError("stands without DISCORD_SHARD_COUNT, which must be set too")
    if max(ids) >= count or len(set(ids)) < len(ids):
        raise ValueError("names a shard twice or one that DISCORD_SHARD_COUNT does not reach")
    return ids


@dataclass(frozen=True, kw_only=True)
class ConnectionSettings:
    """Discord, the image API, the database, and the way out to them.

    The order of the fields is that of .env.example. A check that needs another variable stands at the later one of the
    two.
    """

    discord_token: Secret = setting(
        secret,
        About(
            "Bot token: Discord's developer portal, your application, page Bot, Reset Token.",
            "the token from the page Bot of your application in Discord's developer portal",
            "MTE5…",
        ),
    )
    uniall_api_key: Secret = setting(
        secret,
        About(
            "Key of the UniAll image API, sent as a Bearer token to the address below and nowhere else.",
            "the key of your account at the image API",
            "sk-…",
        ),
    )
    uniall_base_url: str = setting(
        api_base,
        About(
            "Address of the image API, with or without a trailing /v1.",
            "the address of the image API, such as https://api.example.com",
            "https://api.example.com",
        ),
    )
    database_url: str = setting(
        database,
        About(
            "Where jobs are kept: a SQLite file, or PostgreSQL for several processes and hosts without a lasting disk. "
            "~ and $HOME in a file's path are filled in.",
            "sqlite:///data/easel.db or postgresql://user:password@host/name",
            "postgresql://easel:password@db.example.com/easel",
        ),
        "sqlite:///data/easel.db",
        in_repr=False,
    )
    uniall_mode: str = setting(
        one_of("tasks", "sync"),
        About(
            "tasks uses /v1/images/tasks; sync uses /v1/images/generations and /v1/images/edits, "
            "for an OpenAI-compatible server that has no task route.",
            "tasks or sync",
            "sync",
        ),
        "tasks",
    )
    models: ModelCatalog = setting(
        parse_models,
        About(
            "Image models on offer, with commas between them: the model's id at the image API, = and the label that "
            f"people read; the id alone is its own label. The first is the default one; at most {MAX_MODELS}. Choices, "
            "forms, PRICE_LIST and rules follow.",
            "the ids of models with their labels, such as grok-imagine-image=Standard, with commas between them",
            "grok-imagine-image-2.0=New,grok-imagine-image=Standard",
        ),
        DEFAULT_CATALOG,
    )
    result_hosts: frozenset[str] = setting(
        hosts,
        About(
            "Hosts whose pictures may be fetched although their address is private, with commas between them.",
            f"hosts such as minio.lan or 10.0.0.5:9000, a port being at most {MAX_PORT}, with commas between them",
            "minio.lan,10.0.0.5:9000",
            EMPTY,
        ),
        frozenset(),
    )
    discord_api_url: str = setting(
        discord_base,
        About(
            f"REST base of Discord, ending in {DISCORD_API_PATH}; for a REST proxy or a stand-in. "
            "The WebSocket address is what its GET /gateway/bot answers.",
            f"a REST base that ends in {DISCORD_API_PATH}, or leave it out",
            "http://127.0.0.1:8201/api/v10",
        ),
        f"https://discord.com{DISCORD_API_PATH}",
    )
    https_proxy: str | None = setting(
        proxy_url,
        About(
            "Proxy for https addresses: Discord and its gateway, the image API and picture hosts. Read as curl reads "
            "it; the small spelling https_proxy is taken too.",
            "an address such as http://proxy.lan:3128, or leave it out",
            "http://proxy.lan:3128",
            OFF,
        ),
        None,
        in_repr=False,
    )
    http_proxy: str | None = setting(
        proxy_url,
        About(
            "Proxy for http addresses, read in the same way.",
            "an address such as http://proxy.lan:3128, or leave it out",
            "http://proxy.lan:3128",
            OFF,
        ),
        None,
        in_repr=False,
    )
    no_proxy: str = setting(
        str,
        About(
            "Hosts that are reached without the proxy, with commas between them: example.com also means everything "
            "below it, 10.0.0.0/8 a network, * everything.",
            "hosts, addresses or networks with commas between them, or leave it out",
            "localhost,127.0.0.1,.lan",
            EMPTY,
        ),
        "",
    )
    discord_shard_count: int | None = setting(
        number,
        About(
            "How many shards the bot has in all its processes together; left out, Discord says.",
            f"{A_NUMBER}, or leave it out",
            "4",
            AUTOMATIC,
        ),
        None,
    )
    discord_shard_ids: tuple[int, ...] | None = setting_after(
        _shards,
        About(
            "Which shards this process runs, for several bot processes; needs DISCORD_SHARD_COUNT. Left out, all.",
            "shard numbers with commas, each from 0 to DISCORD_SHARD_COUNT - 1, such as 0,1",
            "0,1",
            AUTOMATIC,
        ),
        None,
    )

    @property
    def proxies(self) -> Proxies:
        """The way out to each address."""
        return Proxies(self.https_proxy, self.http_proxy, self.no_proxy)

    @property
    def connection_secrets(self) -> tuple[str, ...]:
        """What must never be seen in a log: the token, the key, and the passwords of the database and the proxies.

        A password appears as it was written and as it is meant, since a library may log either. Empty ones are left
        out: to cut them from a line would cut everywhere.
        """
        proxies = (self.https_proxy or "", self.http_proxy or "")
        logins = [proxy.partition("://")[2].rpartition("@")[0].partition(":")[2] for proxy in proxies]
        found = (
            self.discord_token.get_secret_value(),
            self.uniall_api_key.get_secret_value(),
            *passwords_of(self.database_url),
            *logins,
            *map(unquote, logins),
        )
        return tuple(dict.fromkeys(filter(None, found)))
