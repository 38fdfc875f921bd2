"""One user in one place: what they do in Discord's client, and what they see."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from sandbox.discord.cdn import Upload
from sandbox.discord.clients import InvalidCommand
from sandbox.discord.commands import MESSAGE_MENU, SLASH, USER_MENU, Commands
from sandbox.discord.forms import FieldValue, submission
from sandbox.discord.interactions import Interaction, InteractionKind, Interactions
from sandbox.discord.line import parse_line
from sandbox.discord.named import MENU_KINDS, Named
from sandbox.discord.options import Value, choose_subcommand, fill, names_of, wrap
from sandbox.discord.payloads import Json
from sandbox.discord.permissions import Permission
from sandbox.discord.places import User
from sandbox.discord.reply import ModalForm, Reply
from sandbox.discord.shapes import attachment_json
from sandbox.discord.sight import Button, Menu, Message
from sandbox.discord.stored import Draft, MessageKind, Origin, StoredMessage
from sandbox.discord.world import World

BUTTON = 2


@dataclass(frozen=True, slots=True)
class Choice:
    """One suggestion of an autocomplete."""

    name: str
    value: str | int | float


@dataclass(frozen=True, slots=True)
class Stage:
    """What a person acts on: the world, the bot's commands, and the way interactions take."""

    world: World
    commands: Commands
    interactions: Interactions


class Person:
    """A user at a place. Whatever Discord's client would refuse by itself raises InvalidCommand with a sentence."""

    def __init__(self, stage: Stage, user: User, place: str) -> None:
        self._stage = stage
        self._world = stage.world
        self.user = user
        self.place = place
        try:
            self.channel = stage.world.place(user, place)
        except KeyError:
            raise InvalidCommand(f"{user.name} has no access to a place named {place}.") from None

    def at(self, place: str) -> Person:
        """The same user elsewhere: at `pictures`, `general`, `thread`, `dm`, `group` or `elsewhere`."""
        return Person(self._stage, self.user, place)

    def name_of(self, kind: str, identity: int) -> str | None:
        """How Discord shows a person (`@`), a role (`@&`) or a channel (`#`) that a text names by its id."""
        if kind == "#":
            place = self._world.channel_by_id(identity)
            return f"#{place.name}" if place else None
        if kind == "@&":
            roles = self.channel.guild.roles if self.channel.guild else {}
            return f"@{roles[identity].name.lstrip('@')}" if identity in roles else None
        user = self._world.user_by_id(identity)
        return f"@{user.name}" if user else None

    def commands(self) -> list[Json]:
        """The commands this user is offered here, as registered."""
        return self._stage.commands.available(self.user, self.channel)

    async def say(self, line: str, files: Mapping[str, Upload] | None = None) -> Reply:
        """Use a command by typing it: `/name option:value …`. A file is given by its path, or by a name in `files`."""
        typed = parse_line(line, self.commands(), self.user.locale)
        known = files or {}
        options: dict[str, Value] = {name: known.get(value, value) for name, value in typed.options.items()}
        return await self.command(typed.name, **options)

    async def command(self, name: str, /, **options: Value) -> Reply:
        """Use a slash command. Subcommands follow the name after a blank."""
        first, *words = name.split()
        command = self._offered(first, SLASH)
        part, path = choose_subcommand(command, words, self.user.locale)
        named = self._named()
        filled = fill(part, options, self.user.locale, self._attach, named)
        data = _command_data(command) | {"options": wrap(filled, path)}
        return await self._interact(InteractionKind.COMMAND, _with(named, data))

    async def autocomplete(self, name: str, option: str, value: str = "", /, **others: Value) -> list[Choice]:
        """What the bot suggests while `option` is being typed. Empty when it does not answer."""
        first, *words = name.split()
        command = self._offered(first, SLASH)
        part, path = choose_subcommand(command, words, self.user.locale)
        spec = next((one for one in part.get("options", []) if option in names_of(one, self.user.locale)), None)
        if spec is None or not spec.get("autocomplete"):
            raise InvalidCommand(f"/{name} has no option {option} that suggests anything.")
        loose: Json = {"options": [one | {"required": False} for one in part["options"] if one is not spec]}
        filled = fill(loose, others, self.user.locale, self._attach, self._named())
        focused: Json = {"name": spec["name"], "type": spec["type"], "value": value, "focused": True}
        data = _command_data(command) | {"options": wrap([*filled, focused], path)}
        interaction = self._open(InteractionKind.AUTOCOMPLETE, data)
        answer = await self._stage.interactions.outcome(interaction)
        return [Choice(one["name"], one["value"]) for one in answer.choices] if answer else []

    async def message_menu(self, name: str, message: Message | Reply) -> Reply:
        """Use a message's context menu."""
        stored = self._stored(message)
        target: Json = {str(stored.id): self._world.messages.look(stored).json}
        data = _command_data(self._offered(name, MESSAGE_MENU)) | {"target_id": str(stored.id)}
        return await self._interact(InteractionKind.COMMAND, data | {"resolved": {"messages": target}})

    async def user_menu(self, name: str, user: str) -> Reply:
        """Use a user's context menu."""
        named = self._named()
        target = named.user(self._world.user(user))
        data = _command_data(self._offered(name, USER_MENU)) | {"target_id": target}
        return await self._interact(InteractionKind.COMMAND, _with(named, data))

    async def press(self, message: Message | Reply, button: str) -> Reply:
        """Press a button by its label or custom id. The reply is a ModalForm when the bot opens a form."""
        stored = self._stored(message)
        found = _button(self._world.messages.look(stored), button)
        data: Json = {"custom_id": found.custom_id, "component_type": BUTTON}
        return await self._interact(InteractionKind.COMPONENT, data, source=stored)

    async def forge(self, message: Message | Reply, custom_id: str) -> Reply:
        """Press a button that the message does not have, as a client of one's own could."""
        data: Json = {"custom_id": custom_id, "component_type": BUTTON}
        return await self._interact(InteractionKind.COMPONENT, data, source=self._stored(message))

    async def choose(self, message: Message | Reply, custom_id: str, values: Sequence[str] | str) -> Reply:
        """Pick options of a select menu, by their labels or values; people, roles and channels by name or id."""
        stored = self._stored(message)
        menu = _menu(self._world.messages.look(stored), custom_id)
        picked = _picked(menu, [values] if isinstance(values, str) else list(values))
        named = self._named()
        if menu.kind in MENU_KINDS:
            picked = [named.find(MENU_KINDS[menu.kind], one, menu.channel_types) for one in picked]
        data: Json = {"custom_id": menu.custom_id, "component_type": menu.kind, "values": picked}
        return await self._interact(InteractionKind.COMPONENT, _with(named, data), source=stored)

    async def submit(
        self, form: Reply, values: Mapping[str, FieldValue] | None = None, /, **by_label: FieldValue
    ) -> Reply:
        """Submit a form. Fields are named by label (`Aspect_ratio` for one with a blank) or custom id.

        Fields that are not named keep what they hold. Menus take option labels or values, file fields take Paths.
        """
        if not isinstance(form, ModalForm):
            raise InvalidCommand(form.error or "The bot opened no form.")
        named = self._named()
        components = submission(form.modal, {**(values or {}), **by_label}, self._attach, named)
        data: Json = {"custom_id": form.custom_id, "components": components}
        opened_by = form.interaction
        return await self._interact(
            InteractionKind.MODAL, _with(named, data), source=opened_by.source, trigger=opened_by
        )

    async def post(self, text: str = "", files: Sequence[Path | Upload] = ()) -> Message:
        """Write an ordinary message, with files. `@Name` becomes a mention of that member."""
        return self._write(text, files)

    async def reply(
        self, message: Message | Reply, text: str = "", files: Sequence[Path | Upload] = (), *, ping: bool = True
    ) -> Message:
        """Answer a message. `ping` is the switch in Discord's client that is on at first: its author is mentioned."""
        answered = self._stored(message)
        if answered.ephemeral_to is not None:
            raise InvalidCommand("A message that only you see can't be answered.")
        return self._write(text, files, answered, ping=ping)

    async def rewrite(self, message: Message, text: str) -> Message:
        """Edit one's own message."""
        stored = self._stored(message)
        if stored.author is not self.user:
            raise InvalidCommand(f"{self.user.name} may not edit this message.")
        content, mentions = self._typed(text)
        stored.origin = replace(stored.origin, mentions=tuple(dict.fromkeys((*stored.origin.mentions, *mentions))))
        self._world.messages.edit(stored, replace(stored.draft, content=content))
        return self._world.messages.look(stored)

    def _write(
        self, text: str, files: Sequence[Path | Upload], answered: StoredMessage | None = None, *, ping: bool = False
    ) -> Message:
        granted = self.channel.permissions(self.user)
        if Permission.SEND_MESSAGES not in granted:
            raise InvalidCommand(f"{self.user.name} may not write in {self.place}.")
        if not text and not files:
            raise InvalidCommand("An empty message can't be sent.")
        uploads = [self._sized(one) for one in files]
        attachments = tuple(self._world.cdn.store(one, folder=self.channel.id) for one in uploads)
        content, mentions = self._typed(text)
        if answered and ping:
            mentions = [*mentions, answered.author]
        kind = MessageKind.REPLY if answered else MessageKind.DEFAULT
        origin = Origin(kind, reply_to=answered.id if answered else None, mentions=tuple(dict.fromkeys(mentions)))
        draft = Draft(content=content, attachments=attachments)
        return self._world.messages.look(self._world.messages.add(self.channel, self.user, draft, origin))

    def _typed(self, text: str) -> tuple[str, list[User]]:
        """What is sent for what was typed, and whom it mentions. Nothing within code is a mention."""
        here = self.channel.guild.members.values() if self.channel.guild else ()
        users = {one.user.name: one.user for one in here} | {it.name: it for it in self.channel.recipients}
        parts = re.split(r"(```.*?```|`[^`]*`)", text, flags=re.DOTALL)
        for user in users.values():
            parts[::2] = [re.sub(rf"@{re.escape(user.name)}\b", f"<@{user.id}>", part) for part in parts[::2]]
        outside = "".join(parts[::2])
        return "".join(parts), [it for it in users.values() if re.search(rf"<@!?{it.id}>", outside)]

    def choose_language_of_server(self, locale: str) -> None:
        """Make this place's server a Community that speaks `locale`."""
        if self.channel.guild is not None:
            self._world.choose_language(self.channel.guild, locale)

    async def forward(self, message: Message | Reply, place: str) -> Message:
        """Forward a message to another place: it arrives as a snapshot, in a message with no content of its own."""
        stored = self._stored(message)
        target = self.at(place)
        shown = self._world.messages.look(stored).json
        names = ("content", "embeds", "attachments", "components", "mentions", "mention_roles", "timestamp")
        snapshot: Json = {name: shown[name] for name in (*names, "edited_timestamp", "flags", "type")}
        new = self._world.messages.add(
            target.channel, self.user, Draft(snapshots=(snapshot,)), Origin(reply_to=stored.id)
        )
        return self._world.messages.look(new)

    async def delete(self, message: Message | Reply) -> None:
        """Delete a message: one's own, or anyone's with Manage Messages."""
        stored = self._stored(message)
        manages = self.channel.guild is not None and Permission.MANAGE_MESSAGES in self.channel.permissions(self.user)
        if stored.ephemeral_to is not None or not (stored.author is self.user or manages):
            raise InvalidCommand(f"{self.user.name} may not delete this message.")
        self._world.messages.delete(stored)

    def sees(self) -> list[Message]:
        """The history of this place as this user sees it, oldest first."""
        return [self._world.messages.look(one) for one in self._world.messages.seen_by(self.user, self.channel)]

    def seen(self, message_id: int) -> Message:
        """One message of this place as it stands now. Raises InvalidCommand if it is not there for this user."""
        return self._world.messages.look(self._by_id(message_id))

    async def _interact(
        self,
        kind: InteractionKind,
        data: Json,
        *,
        source: StoredMessage | None = None,
        trigger: Interaction | None = None,
    ) -> Reply:
        since = len(source.states) if source else 0
        interaction = self._open(kind, data, source=source, trigger=trigger)
        answer = await self._stage.interactions.outcome(interaction)
        if answer and answer.modal is not None:
            return ModalForm(self._world, interaction, answer.modal)
        stored = answer.message if answer else None
        return Reply(self._world, interaction, stored, since if stored is source else 0)

    def _open(
        self,
        kind: InteractionKind,
        data: Json,
        *,
        source: StoredMessage | None = None,
        trigger: Interaction | None = None,
    ) -> Interaction:
        return self._stage.interactions.open(kind, self.user, self.channel, data, source=source, trigger=trigger)

    def _offered(self, name: str, kind: int) -> Json:
        for command in self.commands():
            if command["type"] == kind and name in names_of(command, self.user.locale):
                return command
        what = f"command /{name}" if kind == SLASH else f"menu entry {name}"
        raise InvalidCommand(f"There is no {what} for {self.user.name} here.")

    def _named(self) -> Named:
        return Named(self._world, self.channel, self.user)

    def _attach(self, upload: Upload) -> Json:
        """Upload a file as Discord's client does while a command or form is being filled in."""
        stored = self._world.cdn.store(self._sized(upload), folder=self._world.application_id, ephemeral=True)
        return attachment_json(stored, self._world.cdn)

    def _sized(self, file: Path | Upload) -> Upload:
        upload = Upload.read(file) if isinstance(file, Path) else file
        if len(upload.data) > self._stage.interactions.place_limit(self.channel, self.user):
            raise InvalidCommand(f"{upload.filename} is larger than may be uploaded here.")
        return upload

    def _stored(self, message: Message | Reply) -> StoredMessage:
        return self._by_id((message.message if isinstance(message, Reply) else message).id)

    def _by_id(self, message_id: int) -> StoredMessage:
        stored = self._world.messages.get(message_id)
        if stored is None or stored.channel is not self.channel or not stored.is_visible_to(self.user):
            raise InvalidCommand(f"{self.user.name} sees no such message in {self.place}.")
        return stored


def _command_data(command: Json) -> Json:
    return {"id": command["id"], "name": command["name"], "type": command["type"]}


def _with(named: Named, data: Json) -> Json:
    return data | {"resolved": named.resolved} if named.resolved else data


def _button(message: Message, wanted: str) -> Button:
    for button in message.buttons:
        if wanted in (button.label, button.custom_id):
            if button.disabled:
                raise InvalidCommand(f"The button {button.label} is disabled.")
            if button.custom_id is None:
                raise InvalidCommand(f"The button {button.label} opens an address.")
            return button
    raise InvalidCommand(f"There is no button {wanted}; there are: {', '.join(message.labels) or 'none'}.")


def _menu(message: Message, wanted: str) -> Menu:
    for menu in message.menus:
        if wanted in (menu.custom_id, menu.placeholder):
            if menu.disabled:
                raise InvalidCommand("The menu is disabled.")
            return menu
    raise InvalidCommand(f"There is no menu {wanted}.")


def _picked(menu: Menu, wanted: list[str]) -> list[str]:
    by_name = {name: value for label, value in menu.options for name in (label, value)}
    unknown = [one for one in wanted if menu.options and one not in by_name]
    if unknown:
        raise InvalidCommand(f"The menu has no choice {unknown[0]}.")
    if not menu.min_values <= len(wanted) <= menu.max_values:
        raise InvalidCommand(f"The menu takes {menu.min_values} to {menu.max_values} choices.")
    return [by_name.get(one, one) for one in wanted]
