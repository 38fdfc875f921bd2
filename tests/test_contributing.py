"""CONTRIBUTING.md is true of the code: its paths, its functions, its import rules, its dependencies."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from tests.each import each
from tests.structure import MAY_IMPORT, WORDS

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
_PATH = re.compile(r"`((?:bot|cogs|sandbox|tests|tools|deploy)/[\w./<>-]*)(?::([\w.]+))?`")
_RULE = re.compile(r"^(bot\.\w+|cogs) +(nothing|(?:WORDS|bot\.[\w.]+)(?: (?:WORDS|bot\.[\w.]+))*)$", re.MULTILINE)


def functions_of(path: Path) -> set[str]:
    """Names of the functions, methods (`Class.method`) and classes of a file, and of what is assigned in it."""
    names: set[str] = set()
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            names.add(node.name)
        elif isinstance(node, ast.ClassDef):
            inner = (it for it in node.body if isinstance(it, ast.FunctionDef | ast.AsyncFunctionDef))
            names |= {node.name, *(f"{node.name}.{it.name}" for it in inner)}
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names |= {it.id for it in targets if isinstance(it, ast.Name)}
    return names


@each(("path", "function"), sorted({(found[1], found[2] or "") for found in _PATH.finditer(TEXT)}))
def test_every_path_and_function_it_names_exists(path: str, function: str) -> None:
    if "<" in path:
        path = path.partition("<")[0]
    assert (ROOT / path).exists(), path
    if function:
        assert function in functions_of(ROOT / path), f"{path} has no {function}"


def test_it_names_many_of_both() -> None:
    found = list(_PATH.finditer(TEXT))
    assert len(found) > 40
    assert sum(1 for it in found if it[2]) > 20


def test_the_import_rules_it_states_are_the_enforced_ones() -> None:
    stated = {found[1]: () if found[2] == "nothing" else tuple(found[2].split()) for found in _RULE.finditer(TEXT)}
    assert len(stated) > 10
    for room, allowed in stated.items():
        whole = {name for word in allowed for name in (WORDS if word == "WORDS" else (word,))}
        assert whole == set(MAY_IMPORT[room]), room


def test_every_dependency_has_its_line() -> None:
    wanted = {line.split("[")[0].split(">")[0].strip() for line in (ROOT / "requirements.in").read_text().splitlines()}
    wanted = {name for name in wanted if name and not name.startswith("#")}
    told = {name.lower() for row in re.findall(r"^\| ([\w., -]+) \|", TEXT, re.MULTILINE) for name in row.split(", ")}
    assert {name.lower() for name in wanted} <= told
