"""The app's commands: registered, checked, and found again by the people who use them."""

from __future__ import annotations

import re
from typing import Any

from sandbox.discord.calls import Call, Route
from sandbox.discord.components import Faults, Path
from sandbox.discord.ids import snowflake
from sandbox.discord.payloads import Json, as_list, as_object, as_objects
from sandbox.discord.permissions import Permission
from sandbox.discord.places import Channel, User
from sandbox.discord.refusals import UNKNOWN_COMMAND, Refusal, check
from sandbox.discord.world import World

SLASH, USER_MENU, MESSAGE_MENU = 1, 2, 3
SUBCOMMAND, GROUP = 1, 2
_LIMITS = {SLASH: 100, USER_MENU: 15, MESSAGE_MENU: 15}
_NAME = re.compile(r"[-_'\w]{1,32}")
_GUILD_INSTALL, _USER_INSTALL = 0, 1
_ALL_CONTEXTS = [0, 1, 2]


class Commands:
    """Global and server commands with stable ids."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._scopes: dict[int | None, dict[tuple[int, str], Json]] = {}
        self.on_change = lambda: None

    def routes(self) -> list[Route]:
        routes: list[Route] = []
        for root in ("/applications/{app}/commands", "/applications/{app}/guilds/{guild}/commands"):
            routes += [
                Route("GET", root, self.listing),
                Route("PUT", root, self.overwrite),
                Route("POST", root, self.create),
                Route("GET", root + "/{command}", self.show),
                Route("PATCH", root + "/{command}", self.change),
                Route("DELETE", root + "/{command}", self.remove),
            ]
        return routes

    def __len__(self) -> int:
        return sum(len(scope) for scope in self._scopes.values())

    def available(self, user: User, channel: Channel) -> list[Json]:
        """The commands a user is offered in a place."""
        guild_id = channel.guild.id if channel.guild else None
        offered = [one for one in self._scope(guild_id).values() if guild_id] + list(self._scope(None).values())
        return [one for one in offered if self._is_offered(one, user, channel)]

    def listing(self, call: Call) -> list[Json]:
        return list(self._called(call).values())

    def overwrite(self, call: Call) -> list[Json]:
        """PUT: these commands and no others. Commands of the same name and type keep their ids."""
        given = as_objects(call.body)
        faults = Faults()
        for index, one in enumerate(given):
            command_faults(faults, (index,), one)
        _count_faults(faults, given)
        check(faults.faults)
        scope = self._called(call)
        before = dict(scope)
        scope.clear()
        for one in given:
            self._store(scope, one, call, before.get(_key(one)))
        self.on_change()
        return list(scope.values())

    def create(self, call: Call) -> Json:
        faults = Faults()
        command_faults(faults, (), call.form)
        check(faults.faults)
        scope = self._called(call)
        stored = self._store(scope, call.form, call, scope.get(_key(call.form)))
        self.on_change()
        return stored

    def show(self, call: Call) -> Json:
        return self._find(call)

    def change(self, call: Call) -> Json:
        before = self._find(call)
        wanted = before | call.form
        faults = Faults()
        command_faults(faults, (), wanted)
        check(faults.faults)
        scope = self._called(call)
        del scope[_key(before)]
        return self._store(scope, wanted, call, before)

    def remove(self, call: Call) -> None:
        del self._called(call)[_key(self._find(call))]

    def _scope(self, guild_id: int | None) -> dict[tuple[int, str], Json]:
        return self._scopes.setdefault(guild_id, {})

    def _called(self, call: Call) -> dict[tuple[int, str], Json]:
        return self._scope(call.id("guild") if "guild" in call.params else None)

    def _find(self, call: Call) -> Json:
        for one in self._called(call).values():
            if one["id"] == call.params["command"]:
                return one
        raise Refusal(*UNKNOWN_COMMAND)

    def _store(self, scope: dict[tuple[int, str], Json], given: Json, call: Call, before: Json | None) -> Json:
        in_guild = "guild" in call.params
        stored: Json = {
            "type": SLASH,
            "description": "",
            "name_localizations": None,
            "description_localizations": None,
            "default_member_permissions": None,
            "dm_permission": True,
            "contexts": None,
            "integration_types": [_GUILD_INSTALL],
            "nsfw": False,
        }
        stored |= {key: value for key, value in given.items() if value is not None}
        permissions = given.get("default_member_permissions")
        stored["default_member_permissions"] = None if permissions is None else str(permissions)
        stored["id"] = before["id"] if before else str(snowflake())
        stored |= {"application_id": str(self._world.application_id), "version": str(snowflake())}
        if in_guild:
            stored["guild_id"] = call.params["guild"]
        scope[_key(stored)] = stored
        return stored

    def _is_offered(self, command: Json, user: User, channel: Channel) -> bool:
        contexts: list[int] = command["contexts"] or _ALL_CONTEXTS
        if "guild_id" not in command and channel.context not in contexts:
            return False
        return self._is_installed(command, user, channel) and self._is_permitted(command, user, channel)

    def _is_installed(self, command: Json, user: User, channel: Channel) -> bool:
        installs: list[int] = command["integration_types"]
        by_guild = channel.context == 1 or bool(channel.guild and self._world.bot_is_member(channel.guild))
        return (_GUILD_INSTALL in installs and by_guild) or (_USER_INSTALL in installs and user.installed)

    def _is_permitted(self, command: Json, user: User, channel: Channel) -> bool:
        if channel.guild is None:
            return True
        granted = channel.permissions(user)
        needed = Permission(int(command["default_member_permissions"] or 0))
        return needed in granted and Permission.USE_APPLICATION_COMMANDS in granted


def _key(command: Json) -> tuple[int, str]:
    return command.get("type") or SLASH, command["name"]


def _count_faults(faults: Faults, given: list[Json]) -> None:
    for kind, limit in _LIMITS.items():
        if sum((one.get("type") or SLASH) == kind for one in given) > limit:
            faults.fault((), "APPLICATION_COMMANDS_MAX", f"Maximum number of commands of type {kind} reached ({limit})")
    names = [_key(one) for one in given if isinstance(one.get("name"), str)]
    if len(set(names)) != len(names):
        text = "Application command names must be unique"
        faults.fault((), "APPLICATION_COMMANDS_DUPLICATE_NAME", text)


def command_faults(faults: Faults, path: Path, command: Json) -> None:
    """Everything Discord would refuse in one command."""
    if (command.get("type") or SLASH) != SLASH:
        faults.length((*path, "name"), command.get("name"), 1, 32)
        if command.get("description") or command.get("options"):
            text = "Context menu commands cannot have description or options"
            faults.fault((*path, "description"), "APPLICATION_COMMAND_CONTEXT_MENU_DESCRIPTION_CANNOT_EXIST", text)
    else:
        _name_faults(faults, path, command)
        _options_faults(faults, (*path, "options"), as_objects(command.get("options")))
    if _characters(command) > 8000:
        faults.fault(path, "APPLICATION_COMMAND_TOO_LARGE", "Command exceeds maximum size (8000)")
    contexts = as_list(command.get("contexts"))
    if 2 in contexts and _USER_INSTALL not in (command.get("integration_types") or []):
        text = "PRIVATE_CHANNEL needs the USER_INSTALL integration type"
        faults.fault((*path, "contexts"), "APPLICATION_COMMAND_INVALID_CONTEXT", text)


def _name_faults(faults: Faults, path: Path, part: Json) -> None:
    name: Any = part.get("name")
    names = {"name": name} | as_object(part.get("name_localizations"))
    for key, value in names.items():
        at = (*path, "name") if key == "name" else (*path, "name_localizations", key)
        if not isinstance(value, str) or not _NAME.fullmatch(value) or value != value.lower():
            faults.fault(at, "APPLICATION_COMMAND_INVALID_NAME", "Command name is invalid")
    faults.length((*path, "description"), part.get("description"), 1, 100)
    for key, value in as_object(part.get("description_localizations")).items():
        faults.length((*path, "description_localizations", key), value, 1, 100)


def _options_faults(faults: Faults, path: Path, options: list[Json]) -> None:
    faults.length(path, options, 0, 25)
    optional_seen = False
    names: set[str] = set()
    for index, option in enumerate(options):
        at = (*path, index)
        _name_faults(faults, at, option)
        if option.get("name") in names:
            faults.fault((*at, "name"), "APPLICATION_COMMAND_OPTIONS_NAME_DUPLICATED", "Option names must be unique")
        names.add(str(option.get("name")))
        if option.get("type") in (SUBCOMMAND, GROUP):
            _options_faults(faults, (*at, "options"), as_objects(option.get("options")))
        elif option.get("required") and optional_seen:
            text = "Required options must be placed before non-required options"
            faults.fault(at, "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID", text)
        optional_seen = optional_seen or not option.get("required")
        _choice_faults(faults, at, option)


def _choice_faults(faults: Faults, path: Path, option: Json) -> None:
    choices = as_objects(option.get("choices"))
    faults.length((*path, "choices"), choices, 0, 25)
    if choices and option.get("autocomplete"):
        faults.fault(path, "APPLICATION_COMMAND_OPTIONS_AUTOCOMPLETE", "Choices and autocomplete exclude each other")
    for index, choice in enumerate(choices):
        faults.length((*path, "choices", index, "name"), choice.get("name"), 1, 100)
    faults.number((*path, "max_length"), option.get("max_length"), 1, 6000)
    faults.number((*path, "min_length"), option.get("min_length"), 0, 6000)


def _characters(part: Json) -> int:
    """Names, descriptions and choice values together; of translations Discord counts the longest."""
    total = 0
    for key in ("name", "description"):
        texts = [part.get(key) or "", *as_object(part.get(f"{key}_localizations")).values()]
        total += max(len(str(text)) for text in texts)
    choices = as_objects(part.get("choices"))
    total += sum(len(str(choice.get("value", ""))) + _characters(choice) for choice in choices)
    return total + sum(_characters(option) for option in as_objects(part.get("options")))
