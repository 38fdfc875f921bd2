"""What Easel is deployed with: judged by systemd's own tools, and by what it names."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from bot.config.paths import paths_of
from bot.config.settings import VARIABLES

ROOT = Path(__file__).parents[2]
UNIT = ROOT / "deploy" / "easel.service"
WORKER, BACKUP = ROOT / "deploy" / "easel-worker@.service", ROOT / "deploy" / "easel-backup.service"
FOLLOWING = ROOT / "deploy" / "easel-litestream.service"
DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")
COMPOSE = (ROOT / "compose.yaml").read_text("utf-8")
MOST_EXPOSED = 20  # in tenths: systemd calls up to 2.0 "ok", an unhardened service has 9.6
MOST_EXPOSED_OF_BACKUP = 40  # it runs rsync and ssh, which write where they are told

needs_systemd = pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="there is no systemd-analyze")


def judged(*arguments: str) -> str:
    """What systemd-analyze has to say; a failure is the test's."""
    command = ["systemd-analyze", *arguments]
    ended = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    assert ended.returncode == 0, ended.stdout
    return ended.stdout


@needs_systemd
@pytest.mark.parametrize(
    "unit", [UNIT, WORKER, BACKUP, FOLLOWING, BACKUP.with_suffix(".timer")], ids=lambda unit: unit.name
)
def test_every_unit_is_understood_as_a_whole(tmp_path: Path, unit: Path) -> None:
    for each in (UNIT, WORKER, BACKUP, FOLLOWING, BACKUP.with_suffix(".timer")):
        # The program's place on the server is not there on this machine.
        text = re.sub(r"^ExecStart=/opt\S+", f"ExecStart={sys.executable}", each.read_text("utf-8"), flags=re.MULTILINE)
        (tmp_path / each.name).write_text(text)
    assert judged("verify", str(tmp_path / unit.name.replace("@", "@1"))) == ""


@needs_systemd
@pytest.mark.parametrize("unit", [UNIT, WORKER, BACKUP, FOLLOWING], ids=lambda unit: unit.name)
def test_the_units_give_little_away(tmp_path: Path, unit: Path) -> None:
    threshold = MOST_EXPOSED if unit not in (BACKUP, FOLLOWING) else MOST_EXPOSED_OF_BACKUP
    judged("security", "--offline=true", f"--threshold={threshold}", str(unit))


def test_a_worker_is_guarded_as_the_bot_is() -> None:
    bot, worker = ({line for line in unit.read_text("utf-8").splitlines() if "=" in line} for unit in (UNIT, WORKER))
    own = {"Description=Easel, worker %i", "ExecStart=/opt/easel/.venv/bin/python -m bot work"}
    assert {line for line in worker - bot if not line.startswith("#")} == {*own, "Environment=HTTP_PORT=808%i"}
    assert {line.partition("=")[0] for line in bot - worker if not line.startswith("#")} == {"Description", "ExecStart"}


def test_the_unit_does_not_start_over_and_over_with_wrong_settings() -> None:
    unit = UNIT.read_text("utf-8").splitlines()
    assert {"RestartPreventExitStatus=2", "Restart=on-failure", "RestartSec=15"} <= set(unit)


def test_the_image_holds_what_the_bot_needs() -> None:
    sources = re.findall(r"^COPY (?!--from)(\S+) ", DOCKERFILE, re.MULTILINE)
    assert sources == ["requirements.txt", "bot", "cogs", "sandbox"]
    copied = re.findall(r"^COPY --from=built \S+ (\S+)$", DOCKERFILE, re.MULTILINE)
    assert copied == ["/venv", *(f"/easel/{source}" for source in sources[1:])]
    ignored = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    for source in sources:
        assert (ROOT / source).exists()
        assert f"!{source}" in ignored
    assert 'ENTRYPOINT ["python", "-m", "bot"]' in DOCKERFILE  # no shell that would keep SIGTERM to itself
    assert re.search(r"^USER (?!0$)\d+$", DOCKERFILE, re.MULTILINE)


class Sick(BaseHTTPRequestHandler):
    """Answers 503."""

    def do_GET(self) -> None:
        self.send_error(503 if self.path == "/healthz" else 200)

    def log_message(self, format: str, *args: object) -> None: ...  # noqa: A002


def test_the_image_is_unhealthy_where_the_bot_says_so() -> None:
    found = re.search(r"^HEALTHCHECK .* CMD (\[.*\])$", DOCKERFILE, re.MULTILINE)
    assert found
    check: list[str] = json.loads(found[1])
    check[0] = sys.executable
    bare = {"PATH": os.environ["PATH"]}
    with HTTPServer(("127.0.0.1", 0), Sick) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        asking = {**bare, "HTTP_PORT": str(server.server_port)}
        sick = subprocess.run(check, env=asking, capture_output=True, check=False)
        server.shutdown()
    assert sick.returncode == 1
    assert b"503" in sick.stderr
    assert subprocess.run(check, env=bare, check=False).returncode == 0


def test_in_a_container_pictures_lie_on_the_volume_and_not_in_memory() -> None:
    """What lies in a tmpfs counts as memory: six people's sources would have the whole bot killed."""
    folder = re.findall(r"^WORKDIR (\S+)$", DOCKERFILE, re.MULTILINE)[-1]
    volumes = re.findall(r"^    - \w+:(/easel\S*)$", COMPOSE, re.MULTILINE)
    for address in ("postgresql://easel:secret@database/easel", "sqlite:///data/easel.db"):
        paths = paths_of(address)
        for place in (paths.spool, paths.held):
            lies = Path(folder) / (place.relative_to(Path.cwd()) if place.is_absolute() else place)
            assert any(lies.is_relative_to(volume) for volume in volumes), lies
    in_memory = re.findall(r"^    - (/\S+?):size=(\d+)m$", COMPOSE, re.MULTILINE)
    assert [place for place, _ in in_memory] == ["/tmp"]
    assert sum(int(size) for _, size in in_memory) <= 16


def test_compose_uses_verbs_and_variables_that_exist() -> None:
    verbs = re.findall(r"^    command: \[(\w+)\]$", COMPOSE, re.MULTILINE)
    assert verbs == ["run", "work"]
    for verb in verbs:
        subprocess.run([sys.executable, "-m", "bot", verb, "--help"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    shared = COMPOSE.partition("  environment:\n")[2].partition("  depends_on:")[0]
    named = set(re.findall(r"^    ([A-Z_]+):", shared, re.MULTILINE))
    assert named == {"DATABASE_URL", "HTTP_PORT"} <= {variable.name for variable in VARIABLES}
