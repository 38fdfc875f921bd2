"""The wheel: built without a network, it holds what a run needs and nothing else, and works where it is installed."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from bot.config.version import VERSION

ROOT = Path(__file__).parents[2]
PARTS = ("bot", "cogs", "sandbox")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
NOT_NEEDED = re.compile(r"\.(po|mako)$")  # sources of a catalogue, and of the next migration


def has_build_backend() -> bool:
    """Whether the build backend is here in the version that pyproject.toml asks for."""
    from importlib.metadata import PackageNotFoundError, version

    least = int(re.sub(r"\D", "", PROJECT["build-system"]["requires"][0]))
    try:
        return int(version("setuptools").split(".")[0]) >= least
    except PackageNotFoundError:
        return False


def run(command: Sequence[str | Path], folder: Path, **variables: str) -> str:
    ended = subprocess.run(
        command,
        cwd=folder,
        env={"PATH": os.environ["PATH"], "LANG": "C.UTF-8", **variables},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout
    return ended.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not has_build_backend():
        pytest.skip("setuptools is not here in the version that builds the wheel")
    source, built = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("built")
    for part in PARTS:
        shutil.copytree(ROOT / part, source / part, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE", "requirements.in"):
        shutil.copy(ROOT / name, source)
    build = f"from setuptools.build_meta import build_wheel; build_wheel({str(built)!r})"
    run([sys.executable, "-c", build], source)
    return next(built.glob("*.whl"))


@pytest.fixture(scope="module")
def easel(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The command of an environment of its own, which borrows the other packages of this one."""
    home = tmp_path_factory.mktemp("environment")
    run([sys.executable, "-m", "venv", "--without-pip", home], home)
    python = home / "bin" / "python"
    packages = Path(run([python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], home).strip())
    run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", packages, wheel],
        home,
    )
    borrowed = Path(run([sys.executable, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], home).strip())
    (packages / "borrowed.pth").write_text(f"{borrowed}\n", "utf-8")
    program = "import sys; from bot.__main__ import main; sys.exit(main())"
    command = home / "bin" / "easel"
    command.write_text(f"#!{python}\n{program}\n", "utf-8")
    command.chmod(0o755)
    return command


def test_it_holds_every_file_that_a_run_needs_and_no_other(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
        entries = next(archive.read(name) for name in archive.namelist() if name.endswith("entry_points.txt"))
        told = next(archive.read(name) for name in archive.namelist() if name.endswith("METADATA")).decode()
    needed = {
        path.relative_to(ROOT).as_posix()
        for part in PARTS
        for path in (ROOT / part).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and not NOT_NEEDED.search(path.name)
    }
    assert held == needed
    assert b"easel = bot.__main__:main" in entries
    assert f"\nVersion: {VERSION}\n" in told
    wanted = [line for line in (ROOT / "requirements.in").read_text("utf-8").splitlines() if line[:1].isalpha()]
    assert len(re.findall(r"^Requires-Dist: ", told, re.MULTILINE)) == len(wanted)


def test_installed_it_says_its_version_and_looks_for_settings_where_it_is_started(easel: Path, tmp_path: Path) -> None:
    assert run([easel, "--version"], tmp_path) == f"Easel {VERSION}\n"
    bare = subprocess.run([easel], cwd=tmp_path, env={"PATH": os.environ["PATH"]}, capture_output=True, check=False)
    assert bare.returncode == 2
    assert b"`easel setup`" in bare.stderr
    (tmp_path / ".env").write_text("MAX_JOBS_PER_USER=none\n", "utf-8")
    with_file = subprocess.run(
        [easel], cwd=tmp_path, env={"PATH": os.environ["PATH"]}, capture_output=True, check=False
    )
    assert b"MAX_JOBS_PER_USER is not a whole number" in with_file.stderr


def test_installed_it_delivers_in_the_sandbox(easel: Path, tmp_path: Path) -> None:
    told = run([easel, "sandbox", "--say", "/imagine prompt:a red fox", "--out", "pictures"], tmp_path)
    assert "saved pictures/1-picture-1.jpg" in told
    assert (tmp_path / "pictures" / "1-picture-1.jpg").stat().st_size > 10_000
    assert [it.name for it in tmp_path.iterdir()] == ["pictures"]
