"""The sentences that people and operators are shown when something is in the way, read from the code.

docs/troubleshooting.md has an entry for each, and a test holds it to that. A value that is filled in is "…" here.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from bot.config.variable import REASONS
from tools.catalogues.gather import sentences

ROOT = Path(__file__).parents[2]
#: Where the refusals and the ends without pictures are worded, for people on Discord.
OF_PEOPLE = (
    "bot/policy/admission.py",
    "bot/ui/approvals/asking.py",
    "bot/ui/kit/entrance.py",
    "bot/ui/reply/endings.py",
    "bot/ui/requests/refusals.py",
)
#: Where a start, `check` and `setup` are worded, for operators.
OF_OPERATORS = (
    "bot/config/env_file.py",
    "bot/config/settings.py",
    "bot/discord_api/invite.py",
    "bot/discord_api/reconnect.py",
    "bot/discord_api/rest.py",
    "bot/jobs/spool.py",
    "bot/ops/check/check.py",
    "bot/ops/check/discord_side.py",
    "bot/ops/check/machine.py",
    "bot/ops/check/settings_side.py",
    "bot/ops/health/server.py",
    "bot/ops/setup/env_writer.py",
    "bot/ops/setup/questions.py",
    "bot/run.py",
    "bot/store/engine.py",
    "bot/store/faults.py",
    "bot/store/migrate.py",
    "bot/store/offline/backup.py",
    "bot/store/offline/moving.py",
    "bot/store/sync/file_lock.py",
)
#: Here only what is raised: the rest is talk.
OF_FAULTS = ("bot/ops/setup/setup.py",)
_VALUE = re.compile(r"\{[^{}]*\}")
#: Four words and a full stop, or a colon with what to do behind it: no SQL and no name of a permission.
_SENTENCE = re.compile(r"[A-Z…]\S* \S+ \S+ \S.*(?:\.\n?$|: )", re.DOTALL)


def for_people() -> Iterator[tuple[str, str]]:
    """File and sentence; of one with a number the form for several."""
    for name in OF_PEOPLE:
        for text in sentences((ROOT / name).read_text("utf-8")):
            yield name, _VALUE.sub("…", text if isinstance(text, str) else text[1])


def for_operators() -> Iterator[tuple[str, str]]:
    """File and sentence: every text of these modules that reads as one."""
    for name in OF_OPERATORS:
        for text in texts(ast.parse((ROOT / name).read_text("utf-8"))):
            if _SENTENCE.match(text) and text != "… …: write ….":
                yield name, text.strip()
    for name in OF_FAULTS:
        for node in ast.walk(ast.parse((ROOT / name).read_text("utf-8"))):
            raised = texts(node) if isinstance(node, ast.Raise) else ()
            yield from ((name, text) for text in raised if _SENTENCE.match(text) or text.startswith("Please"))
    for reason in REASONS:
        yield "bot/config/settings.py", f"… {reason}: write …."


def texts(tree: ast.AST) -> Iterator[str]:
    """Texts in their order, without docstrings and what the log is told; values of f-strings are "…"."""
    skipped = {
        id(inner)
        for node in ast.walk(tree)
        if (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)) or _is_log(node)
        for inner in ast.walk(node)
    }
    f_strings = [node for node in ast.walk(tree) if isinstance(node, ast.JoinedStr)]
    parts = {id(part) for node in f_strings for part in ast.walk(node) if part is not node}
    for node in ast.walk(tree):
        if id(node) in skipped or id(node) in parts:
            continue
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(it.value) if isinstance(it, ast.Constant) else "…" for it in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield _VALUE.sub("…", node.value)


def _is_log(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and ast.unparse(node.func.value) == "log"
