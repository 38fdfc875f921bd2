"""What a person can do in the page, each carried to `Person`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, cast

from sandbox.discord.cdn import Upload
from sandbox.discord.clients import InvalidCommand
from sandbox.discord.forms import FieldValue
from sandbox.discord.options import ATTACHMENT, Value, choose_subcommand, names_of
from sandbox.discord.person import Person
from sandbox.discord.refusals import Json
from sandbox.discord.reply import ModalForm, Reply
from sandbox.page.scene import LANGUAGES, offered
from sandbox.page.uploads import Uploads

#: Forms a tab may have open and unanswered; the oldest is forgotten.
MAX_FORMS = 20


class Acts:
    """The acts of one tab. `person` is who it is, None until it has entered."""

    def __init__(self, uploads: Uploads) -> None:
        self.person: Person | None = None
        self._uploads = uploads
        self._forms: dict[str, ModalForm] = {}
        self._acts: dict[str, Callable[[Person, Json], Awaitable[Json | None]]] = {
            "offered": self._offered,
            "post": self._post,
            "run": self._run,
            "suggest": self._suggest,
            "press": self._press,
            "choose": self._choose,
            "menu": self._menu,
            "user_menu": self._user_menu,
            "submit": self._submit,
            "delete": self._delete,
            "language": self._language,
        }

    async def do(self, asked: Json) -> Json | None:
        """Carry an act out. Raises InvalidCommand with a sentence, KeyError for an act that is none."""
        if self.person is None:
            raise InvalidCommand("Nobody has entered yet.")
        return await self._acts[asked["do"]](self.person, asked)

    async def _offered(self, person: Person, _: Json) -> Json:
        return offered(person)

    async def _post(self, person: Person, asked: Json) -> None:
        text, files = str(asked["text"]), [self._uploads.get(token) for token in asked["files"]]
        if asked.get("reply_to"):
            await person.reply(person.seen(int(asked["reply_to"])), text, files, ping=bool(asked.get("ping", True)))
        else:
            await person.post(text, files)

    async def _run(self, person: Person, asked: Json) -> Json:
        name = str(asked["name"])
        options = self._options(person, name, asked["options"])
        return self._outcome(await person.command(name, **options))

    async def _suggest(self, person: Person, asked: Json) -> Json:
        name = str(asked["name"])
        others = self._options(person, name, asked["options"])
        found = await person.autocomplete(name, str(asked["option"]), str(asked["value"]), **others)
        return {"choices": [{"name": one.name, "value": one.value} for one in found]}

    async def _press(self, person: Person, asked: Json) -> Json:
        return self._outcome(await person.press(person.seen(int(asked["message"])), str(asked["custom_id"])))

    async def _choose(self, person: Person, asked: Json) -> Json:
        values = [str(value) for value in asked["values"]]
        return self._outcome(await person.choose(person.seen(int(asked["message"])), str(asked["custom_id"]), values))

    async def _menu(self, person: Person, asked: Json) -> Json:
        return self._outcome(await person.message_menu(str(asked["name"]), person.seen(int(asked["message"]))))

    async def _user_menu(self, person: Person, asked: Json) -> Json:
        return self._outcome(await person.user_menu(str(asked["name"]), str(asked["user"])))

    async def _submit(self, person: Person, asked: Json) -> Json:
        form = self._forms.get(str(asked["form"]))
        if form is None:
            raise InvalidCommand("This form is too old. Please open it once more.")
        values = {str(key): self._field(value) for key, value in asked["values"].items()}
        outcome = self._outcome(await person.submit(form, values))
        # a form that got no answer stays open, as in Discord's client, and may be submitted again
        if "failed" not in outcome:
            del self._forms[str(asked["form"])]
        return outcome

    async def _delete(self, person: Person, asked: Json) -> None:
        await person.delete(person.seen(int(asked["message"])))

    async def _language(self, person: Person, asked: Json) -> None:
        """Choose the language of one's own client, or that of the server."""
        locale = str(asked["locale"])
        if locale not in LANGUAGES:
            raise InvalidCommand("There is no such language.")
        if not asked["of_server"]:
            person.user.locale = locale
        elif person.channel.guild is not None:
            person.choose_language_of_server(locale)

    def _outcome(self, reply: Reply) -> Json:
        if reply.error:
            return {"failed": reply.error}
        if isinstance(reply, ModalForm):
            key = str(reply.interaction.id)
            self._forms[key] = reply
            while len(self._forms) > MAX_FORMS:
                del self._forms[next(iter(self._forms))]
            return {"form": key, "modal": reply.modal}
        return {}

    def _options(self, person: Person, name: str, given: dict[str, Json | str]) -> dict[str, Value]:
        """Options as `Person` takes them. A text never stands for a file here: it would be read from this machine."""
        files = _attachment_options(person, name)
        options: dict[str, Value] = {}
        for key, value in given.items():
            if isinstance(value, dict):
                options[key] = self._upload(value)
            elif key in files:
                raise InvalidCommand(f"{key} takes a file. Please attach one.")
            else:
                options[key] = str(value)
        return options

    def _field(self, value: Any) -> FieldValue:
        if isinstance(value, bool):
            return value
        if not isinstance(value, list):
            return str(value)
        entries = cast("list[Json | str]", value)
        files = [self._upload(one) for one in entries if not isinstance(one, str)]
        return files or [str(one) for one in entries]

    def _upload(self, value: Json) -> Upload:
        return self._uploads.get(str(value["upload"]))


def _attachment_options(person: Person, name: str) -> set[str]:
    first, *words = name.split() or [""]
    locale = person.user.locale
    command = next((one for one in person.commands() if one["type"] == 1 and first in names_of(one, locale)), None)
    if command is None:
        raise InvalidCommand(f"There is no command /{first} for {person.user.name} here.")
    part, _ = choose_subcommand(command, words, locale)
    files = (one for one in part.get("options", []) if one["type"] == ATTACHMENT)
    return {name for one in files for name in names_of(one, locale)}
