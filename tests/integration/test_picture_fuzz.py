"""What comes in at the process that decodes, and what comes out of it, drawn at random.

Damaged pictures go through the decoders in a process that holds to the limits of the real one; answers that no honest
process gives go to the bot's side of the pipe. `make test-random` draws new ones.
"""

from __future__ import annotations

import asyncio
import json
import resource
import struct
import subprocess
import sys
import time
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.errors import BadSource, SourceFault
from bot.model import PictureFormat, PictureInfo
from bot.pictures import studio
from bot.pictures.answer import MAX_LINE_BYTES
from bot.pictures.studio import MEMORY_LIMIT, PictureStudio
from tests.integration.drawn_files import drawn, exif, file_of
from tests.integration.picture_files import MIB

ROOT = str(Path(studio.__file__).parents[2])
MOST_S = 5.0  # of processor time, for one damaged picture of a few kilobytes; whole ones take 20 ms
ANSWER_S = 20.0  # for the answer of a process, on a machine that does much else
SMALL = (64, 48)
#: Of the profile that holds: few in make test, more in make test-random.
EXAMPLES = (settings.default or settings()).max_examples

AWKWARD: dict[str, bytes] = {
    "JPEG": file_of("JPEG", drawn(SMALL), exif=exif(6)),
    "progressive JPEG": file_of("JPEG", drawn(SMALL), progressive=True, comment=b"x"),
    "grey JPEG": file_of("JPEG", drawn(SMALL, "L"), restart_marker_blocks=2),
    "CMYK JPEG": file_of("JPEG", drawn(SMALL, "CMYK"), progressive=True),
    "MPO": file_of("MPO", drawn(SMALL), save_all=True, append_images=[drawn((32, 24))]),
    "PNG": file_of("PNG", drawn(SMALL), exif=exif(5)),
    "palette PNG": file_of("PNG", drawn(SMALL, "P"), transparency=bytes(range(200))),
    "PNG of 16 bits": file_of("PNG", drawn(SMALL, "I;16")),
    "PNG with alpha": file_of("PNG", drawn(SMALL, "RGBA")),
    "two-coloured PNG": file_of("PNG", drawn(SMALL, "1")),
    "WebP": file_of("WEBP", drawn(SMALL), exif=exif(8).tobytes(), xmp=b"<x/>"),
    "lossless WebP": file_of("WEBP", drawn(SMALL, "RGBA"), lossless=True),
    "WebP with alpha": file_of("WEBP", drawn(SMALL, "RGBA")),
}


def with_right_sums(data: bytes) -> bytes:
    """A PNG whose chunks all have the checksum of what is in them now, so that a decoder goes on reading."""
    at, parts = 8, [data[:8]]
    while at + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, at)
        if at + 12 + length > len(data):
            break
        content = data[at + 4 : at + 8 + length]
        parts += [data[at : at + 4], content, struct.pack(">I", zlib.crc32(content))]
        at += 12 + length
    return b"".join(parts) + data[at:]


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """One of them with bytes changed, most often in its heads, and pieces cut, doubled, or put in from another."""
    data = bytearray(AWKWARD[draw(st.sampled_from(sorted(AWKWARD)))])
    for _ in range(draw(st.integers(1, 8))):
        near = draw(st.booleans())
        at = draw(st.integers(0, max(0, min(len(data), 400 if near else len(data)) - 1)))
        match draw(st.sampled_from(("byte", "word", "cut", "double", "other"))):
            case "byte":
                data[at : at + 1] = draw(st.binary(min_size=1, max_size=1))
            case "word":
                value = draw(st.sampled_from((0, 1, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF)))
                data[at : at + 4] = value.to_bytes(4, draw(st.sampled_from(("big", "little"))))
            case "cut":
                del data[at : at + draw(st.integers(1, 60))]
            case "double":
                piece = data[at : at + draw(st.integers(1, 200))]
                data[at:at] = piece * draw(st.integers(1, 20))
            case _:
                other = AWKWARD[draw(st.sampled_from(sorted(AWKWARD)))]
                begin = draw(st.integers(0, len(other) - 1))
                data[at:at] = other[begin : begin + draw(st.integers(1, 300))]
    return with_right_sums(bytes(data)) if data.startswith(b"\x89PNG") and draw(st.booleans()) else bytes(data)


#: One process for many pictures. It says of each what came of it, how long it took, and the most memory so far (KiB).
DECODER = """
import sys; sys.path.insert(0, {root!r})
import io, json, pathlib, resource, time
from PIL import Image
from bot.errors import BadSource
from bot.pictures import process
from bot.pictures.reading import read
Image.preinit()
resource.setrlimit(resource.RLIMIT_AS, ({memory}, {memory}))
def outcome(path):
    try:
        process.check(path)
        content, kind = process.encoded(path, 20_000, 40)
    except BadSource as error:
        return str(error.fault)
    except MemoryError:
        return "memory"
    whole = Image.open(io.BytesIO(content))
    whole.load()
    assert max(whole.size) <= 40 and len(content) <= 20_000 and whole.format.lower() == kind, whole
    assert not read(content).notes
    return "taken"
for line in sys.stdin:
    began = time.process_time()
    try:
        said = outcome(pathlib.Path(line.rstrip()))
    except Exception as error:
        said = f"unforeseen {{type(error).__name__}}: {{error}}"
    # Not ru_maxrss: that begins with what the process had that has forked this one.
    peak = int(pathlib.Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0])
    print(json.dumps([said, time.process_time() - began, peak]), flush=True)
"""


@pytest.fixture(scope="module")
def decoder() -> Iterator[subprocess.Popen[str]]:
    program = DECODER.format(root=ROOT, memory=MEMORY_LIMIT)
    ask = [sys.executable, "-I", "-W", "ignore", "-c", program]
    with subprocess.Popen(ask, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield process
        process.kill()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz")


@given(damaged())
def test_no_damaged_picture_ends_the_decoder_takes_long_or_goes_out_half(
    decoder: subprocess.Popen[str], folder: Path, data: bytes
) -> None:
    said, seconds, peak = decoded(decoder, folder, data)
    assert said in {"taken", "memory", *SourceFault}, said
    assert seconds < MOST_S
    assert peak * 1024 < MEMORY_LIMIT


def test_the_awkward_pictures_are_whole_before_they_are_damaged(decoder: subprocess.Popen[str], folder: Path) -> None:
    assert {name for name, data in AWKWARD.items() if decoded(decoder, folder, data)[0] != "taken"} == set()


def decoded(decoder: subprocess.Popen[str], folder: Path, data: bytes) -> tuple[str, float, int]:
    path = folder / "damaged"
    path.write_bytes(data)
    assert decoder.stdin is not None
    assert decoder.stdout is not None
    decoder.stdin.write(f"{path}\n")
    decoder.stdin.flush()
    line = decoder.stdout.readline()
    assert line, f"the decoder has ended: {decoder.wait()}"
    said, seconds, peak = json.loads(line)
    return said, seconds, peak


@settings(max_examples=EXAMPLES // 4)
@given(damaged(), st.sampled_from((4000, 30)))
def test_every_damaged_picture_gets_an_answer_of_the_real_process(folder: Path, data: bytes, side: int) -> None:
    path = folder / "real"
    path.write_bytes(data)
    before, began = open_files(), time.monotonic()
    whole = PictureStudio()
    assert answer_of(whole, path) in {PictureFormat.of(data[:12]), *SourceFault}
    kept = asyncio.run(whole.shrink(path, folder, 1, 4000, side))
    assert kept.dropped or PictureInfo.at(kept.path) is not None
    assert time.monotonic() - began < ANSWER_S
    assert open_files() == before


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def answer_of(whole: PictureStudio, path: Path) -> PictureFormat | SourceFault:
    try:
        return asyncio.run(whole.check_source(path, 1))
    except BadSource as refused:
        return refused.fault


#: A process that is in somebody else's hands: it says what it likes and ends how it likes.
TAKEN_OVER = "import sys, os; os.write(1, {said!r}); os.write(2, {complaint!r}); {end}"
ENDS = ("pass", "sys.exit(3)", "os.kill(os.getpid(), 9)", "os.abort()", "os.close(1); os.close(2)")
LINES = st.one_of(
    st.binary(max_size=200),
    st.sampled_from(
        (
            b'{"format": "png"}',
            b'{"format": "png", "path": "/etc/passwd"}',
            b'{"format": "../../x"}',
            b'{"format": ["png"]}',
            b'{"fault": "TOO_LARGE", "amount": 5}',
            b'{"fault": "broken", "amount": -1}',
            b'{"fault": "broken", "amount": 1e999}',
            b'{"fault": "broken", "amount": 99999999999999999999999}',
            b'{"fault": "nothing", "amount": "x"}',
            b"[" * 4000,
            b"null",
            b"{}",
            b"\xff\xfe",
        )
    ),
    st.sampled_from(sorted(SourceFault)).map(lambda it: json.dumps({"fault": it, "amount": 7}).encode()),
)
BODIES = st.one_of(st.just(b""), st.binary(max_size=200), st.just(AWKWARD["PNG"]), st.just(AWKWARD["JPEG"]))


@given(LINES, st.sampled_from((b"\n", b"")), BODIES, st.binary(max_size=50), st.sampled_from(ENDS))
def test_nothing_that_a_taken_over_process_says_is_believed(
    folder: Path, line: bytes, end_of_line: bytes, body: bytes, complaint: bytes, end: str
) -> None:
    path, into = folder / "picture", folder / "into"
    path.write_bytes(AWKWARD["PNG"])
    into.mkdir(exist_ok=True)
    said = line + end_of_line + body
    program = TAKEN_OVER.format(said=said, complaint=complaint, end=end)
    whole, before = PictureStudio(program=program), open_files()
    answer = answer_of(whole, path)
    assert answer in {PictureFormat.PNG, *SourceFault}
    assert answer is not PictureFormat.PNG or said.strip() == b'{"format": "png"}'
    [fitted] = asyncio.run(whole.fit([path], max_file=1000, max_total=1000, into=into, user_id=1))
    if fitted.dropped:
        assert list(into.iterdir()) == []
    else:
        assert fitted.path.read_bytes() == body
        assert fitted.path.parent == into
        assert len(body) <= 1000
        fitted.path.unlink()
    assert open_files() == before


FLOODS = {
    "words": "while 1: os.write(1, b'x' * 65536)",
    "complaints": "while 1: os.write(2, b'x' * 65536)",
    "a file": "os.write(1, b'{\"format\": \"png\"}\\n\\x89PNG\\r\\n\\x1a\\n')\nwhile 1: os.write(1, b'x' * 65536)",
    "a long line": f"os.write(1, b' ' * {MAX_LINE_BYTES * 4}); os.write(1, b'{{\"format\": \"png\"}}\\n')",
    "nothing": "import time; time.sleep(60)",
    "half an answer": "os.write(1, b'{'); import time; time.sleep(60)",
}


@pytest.mark.parametrize("what", FLOODS)
async def test_a_taken_over_process_fills_neither_memory_nor_disk_nor_time(tmp_path: Path, what: str) -> None:
    path, into = tmp_path / "picture", tmp_path / "into"
    path.write_bytes(AWKWARD["PNG"])
    into.mkdir()
    whole = PictureStudio(program=f"import os\n{FLOODS[what]}", check_limit=1.0, fit_limit=1.0)
    peak, before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, open_files(), time.monotonic()
    with pytest.raises(BadSource):
        await whole.check_source(path, 1)
    [fitted] = await whole.fit([path], max_file=1000, max_total=1000, into=into, user_id=1)
    assert fitted.dropped
    assert list(into.iterdir()) == []
    assert time.monotonic() - began < ANSWER_S
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak) * 1024 < 16 * MIB
    assert open_files() == before
