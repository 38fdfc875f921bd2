"""The plan of the house: which room may know which, how full a room may be, and how long a file.

Each rule is a function from a house, its modules as syntax trees, to the list of its breaches. test_structure.py asks
them of bot/, cogs/ and sandbox/; CONTRIBUTING.md states the plan for people, and a test holds the two to each other.
"""

from __future__ import annotations

import ast
import graphlib
import io
import re
import tokenize
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[1]

# Who may know whom: for each room, and each module at the top of bot/, what it may import besides itself.
WORDS = ("bot.errors", "bot.model", "bot.policy", "bot.telemetry")  # what every room speaks
MAY_IMPORT: Mapping[str, tuple[str, ...]] = {
    "bot.model": (),
    "bot.telemetry": ("bot.model",),
    "bot.errors": ("bot.model", "bot.policy"),
    "bot.policy": ("bot.errors", "bot.model"),
    "bot.store": WORDS,
    "bot.image_api": (*WORDS, "bot.config.causes"),
    "bot.pictures": WORDS,
    "bot.config": (*WORDS, "bot.store"),
    "bot.jobs": (*WORDS, "bot.image_api", "bot.pictures", "bot.store"),
    "bot.ui": (*WORDS, "bot.jobs", "bot.pictures"),
    "cogs": (*WORDS, "bot.ui"),
    "bot.discord_api": (*WORDS, "bot.config", "bot.jobs"),
    "bot.client": (*WORDS, "bot.config", "bot.discord_api", "bot.jobs", "bot.pictures", "bot.ui"),
    "bot.ops": (*WORDS, "bot.config", "bot.discord_api", "bot.image_api", "bot.jobs", "bot.store"),
    "bot.run": ("bot",),
    "sandbox": ("bot.config", "bot.errors", "bot.model", "bot.ops.shutdown"),
    "bot.__main__": (*WORDS, "bot.config", "bot.discord_api", "bot.ops", "bot.run", "sandbox"),
}

# The only rooms that may import a library; all others do without it.
KEPT_TO: Mapping[str, tuple[str, ...]] = {
    "discord": ("bot.client", "bot.discord_api", "bot.ops.health", "bot.ui", "cogs", "sandbox"),
    "aiohttp": (
        *("bot.client", "bot.discord_api", "bot.image_api", "bot.ops", "bot.policy.moderation", "bot.run", "bot.ui"),
        "sandbox",
    ),
    "sqlalchemy": ("bot.store",),
    "alembic": ("bot.store",),
    "psycopg": ("bot.store",),
    "prometheus_client": ("bot.ops.health",),
    "PIL": (
        "bot.pictures.bands",
        "bot.pictures.chart_process",
        "bot.pictures.encoding",
        "bot.pictures.process",
        "sandbox",
    ),
}

MISLEADING_NAMES = frozenset({"helpers", "logging", "queue", "time", "types", "utils"})
# The sandbox hands one on to the bot that it starts; a terminal says in TERM and NO_COLOR how it is to be written to.
ENVIRONMENT_READERS = ("bot.config.settings", "bot.ops.terminal", "sandbox")
MAX_FILE_LINES, MAX_COG_LINES, MAX_FUNCTION_LINES = 350, 150, 60
MAX_MODULES_AT_THE_TOP, MAX_MODULES_IN_A_ROOM = 6, 15


@dataclass(frozen=True, slots=True)
class Import:
    """One name that a module imports: the longest dotted name that is a module, as far as the house knows."""

    name: str
    line: int
    for_hints_only: bool


@dataclass(frozen=True, slots=True)
class Module:
    name: str
    path: str
    source: str = field(repr=False)
    tree: ast.Module = field(repr=False)
    nodes: tuple[ast.AST, ...] = field(repr=False)  # of the tree, walked once for all rules

    def at(self, line: int, breach: str) -> str:
        return f"{self.path}:{line}: {breach}"


House = Mapping[str, Module]
Rule = Callable[[House], list[str]]


def build(files: Mapping[str, str]) -> House:
    """Make a house from paths and sources."""
    modules: dict[str, Module] = {}
    for path, source in files.items():
        name = path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        tree = ast.parse(source, path)
        modules[name] = Module(name, path, source, tree, tuple(ast.walk(tree)))
    return modules


def our_house() -> House:
    """The house as it stands in this repository."""
    paths = [path for folder in ("bot", "cogs", "sandbox") for path in sorted((ROOT / folder).rglob("*.py"))]
    return build({path.relative_to(ROOT).as_posix(): path.read_text("utf-8") for path in paths})


def imports(module: Module, house: House) -> Iterator[Import]:
    hints = {
        id(node)
        for branch in module.nodes
        if isinstance(branch, ast.If) and is_type_checking(branch.test)
        for statement in branch.body
        for node in ast.walk(statement)
    }
    for node in module.nodes:
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(alias.name, node.lineno, id(node) in hints)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield Import(inner if inner in house else node.module, node.lineno, id(node) in hints)


def is_type_checking(condition: ast.expr) -> bool:
    match condition:
        case ast.Name(id="TYPE_CHECKING") | ast.Attribute(value=ast.Name(id="typing"), attr="TYPE_CHECKING"):
            return True
        case _:
            return False


def lies_in(name: str, parts: Iterable[str]) -> bool:
    return any(name == part or name.startswith(f"{part}.") for part in parts)


def part_of(name: str) -> str:
    return ".".join(name.split(".")[: 2 if name.startswith("bot") else 1])


def is_hint_of_client(module: Module, it: Import) -> bool:
    """Whether an import only types the client, or what the client holds: nothing runs through it."""
    return it.for_hints_only and lies_in("bot.client", (module.name, it.name))


def wrong_directions(house: House) -> list[str]:
    found: list[str] = []
    for module in house.values():
        own = part_of(module.name)
        allowed = (own, *MAY_IMPORT.get(own, ()))
        found += [
            module.at(it.line, f"{own} must not know {it.name}")
            for it in imports(module, house)
            if lies_in(it.name, ("bot", "cogs", "sandbox"))
            and not lies_in(it.name, allowed)
            and not is_hint_of_client(module, it)
        ]
    return found


def unplanned_parts(house: House) -> list[str]:
    parts = {part_of(name) for name in house} - {"bot"}
    return [f"{part} has no line in MAY_IMPORT" for part in sorted(parts - MAY_IMPORT.keys())]


def circles(house: House) -> list[str]:
    graph = {
        name: {it.name for it in imports(module, house) if it.name in house and not it.for_hints_only}
        for name, module in house.items()
    }
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        return [" <- ".join(error.args[1])]
    return []


def stray_libraries(house: House) -> list[str]:
    return [
        module.at(it.line, f"{it.name} is kept to {', '.join(KEPT_TO[it.name.split('.')[0]])}")
        for module in house.values()
        for it in imports(module, house)
        if it.name.split(".")[0] in KEPT_TO and not lies_in(module.name, KEPT_TO[it.name.split(".")[0]])
    ]


def unclear_imports(house: House) -> list[str]:
    found: list[str] = []
    for module in house.values():
        for node in module.nodes:
            if isinstance(node, ast.ImportFrom) and node.level:
                found.append(module.at(node.lineno, "a relative import"))
            if isinstance(node, ast.Import) and any(lies_in(alias.name, ("bot",)) for alias in node.names):
                found.append(module.at(node.lineno, "`import bot` hides behind every argument named bot"))
    return found


def misleading_names(house: House) -> list[str]:
    found = [module.path for module in house.values() if MISLEADING_NAMES & set(module.name.split("."))]
    for module in house.values():
        classes = (node for node in module.nodes if isinstance(node, ast.ClassDef))
        found += [module.at(node.lineno, "which Task?") for node in classes if node.name == "Task"]
    return found


def long_files(house: House) -> list[str]:
    found: list[str] = []
    for module in house.values():
        limit = MAX_COG_LINES if lies_in(module.name, ("cogs",)) else MAX_FILE_LINES
        lines = len(module.source.splitlines())
        found += [f"{module.path} has {lines} lines, {limit} are allowed"] if lines > limit else []
    return found


def long_functions(house: House) -> list[str]:
    return [
        module.at(node.lineno, f"{node.name} has {lines} lines, {MAX_FUNCTION_LINES} are allowed")
        for module in house.values()
        for node in module.nodes
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (lines := (node.end_lineno or node.lineno) - node.lineno + 1) > MAX_FUNCTION_LINES
    ]


def environment_reads(house: House) -> list[str]:
    names = {"environ", "environb", "getenv", "getenvb", "load_dotenv", "dotenv_values"}
    found: list[str] = []
    for module in house.values():
        if lies_in(module.name, ENVIRONMENT_READERS):
            continue
        for node in module.nodes:
            match node:
                case ast.Attribute(attr=name, value=ast.Name(id="os" | "dotenv")) if name in names:
                    found.append(module.at(node.lineno, f"reads {name}"))
                case ast.ImportFrom(module="os" | "dotenv") if names & {alias.name for alias in node.names}:
                    found.append(module.at(node.lineno, "imports the environment"))
                case _:
                    pass
    return found


def unexplained_catches(house: House) -> list[str]:
    """Find handlers for everything with no reason on their own line or the next; a bare noqa is none."""
    found: list[str] = []
    for module in house.values():
        broad = [node for node in module.nodes if isinstance(node, ast.ExceptHandler) and is_broad(node.type)]
        reasons = lines_with_reasons(module.source) if broad else set[int]()
        found += [
            module.at(node.lineno, "catches everything and does not say why")
            for node in broad
            if not reasons & {node.lineno, node.lineno + 1}
        ]
    return found


def lines_with_reasons(source: str) -> set[int]:
    return {
        token.start[0]
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type == tokenize.COMMENT and re.sub(r"noqa(: ?[A-Z]+\d+(, ?[A-Z]+\d+)*)?|[\W_]", "", token.string)
    }


def is_broad(caught: ast.expr | None) -> bool:
    match caught:
        case None | ast.Name(id="Exception" | "BaseException"):
            return True
        case ast.Tuple(elts=several):
            return any(map(is_broad, several))
        case _:
            return False


def stray_advisory_locks(house: House) -> list[str]:
    """A lock that is taken elsewhere is in nobody's order, and two of them can wait for each other."""
    return [
        f"{module.path} takes an advisory lock; only bot/store/sync/advisory_locks.py keeps their order"
        for module in house.values()
        if "pg_advisory" in module.source and module.name != "bot.store.sync.advisory_locks"
    ]


def full_rooms(house: House) -> list[str]:
    """A room with more modules than a person keeps in mind is two rooms."""
    rooms: dict[str, int] = {}
    for module in house.values():
        room, _, name = module.path.rpartition("/")
        if not name.startswith("__") and not lies_in(module.name, ("sandbox",)):
            rooms[room] = rooms.get(room, 0) + 1
    return [
        f"{room} has {count} modules, {most} are allowed"
        for room, count in rooms.items()
        if count > (most := MAX_MODULES_AT_THE_TOP if room == "bot" else MAX_MODULES_IN_A_ROOM)
    ]


def doubled_classes(house: House) -> list[str]:
    """One name for one thing: the sandbox alone, which plays the other side, may call its own things the same."""
    homes: dict[str, list[str]] = {}
    for module in house.values():
        if not lies_in(module.name, ("sandbox",)):
            for node in module.tree.body:
                if isinstance(node, ast.ClassDef):
                    homes.setdefault(node.name, []).append(module.path)
    return [f"{name} stands in {', '.join(paths)}" for name, paths in homes.items() if len(paths) > 1]
