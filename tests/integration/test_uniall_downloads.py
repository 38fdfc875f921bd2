"""Downloads against real sockets: whole pictures or typed errors, and no way into a private network."""

from __future__ import annotations

import asyncio
import base64
import gzip
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp import web

from bot.errors import (
    AddressRefused,
    DownloadError,
    DownloadGone,
    DownloadUnreachable,
    NotAPicture,
    NotWritten,
    TooLarge,
)
from bot.image_api.client import Download, Mode
from bot.image_api.picture_file import UnknownFormat
from bot.model import PictureFormat
from sandbox.serving import free_port
from tests.integration.uniall_servers import (
    API,
    HURRY,
    JPEG,
    KEY,
    MANY,
    PNG,
    WEBP,
    Handler,
    Reply,
    always,
    client,
    names,
    playing,
    raw,
    reply,
)


def in_turn(*replies: Handler) -> Handler:
    left = list(replies)

    async def handler(request: web.Request) -> Reply:
        return await (left.pop(0) if len(left) > 1 else left[0])(request)

    return handler


async def hang_up(request: web.Request) -> Reply:
    return None


async def half_a_picture(request: web.Request) -> Reply:
    return raw(request, b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n" + PNG)


async def half_a_picture_that_looks_whole(request: web.Request) -> Reply:
    return reply(200, PNG[: len(PNG) // 2])


async def wait(request: web.Request) -> Reply:
    await asyncio.sleep(5)
    return None


@pytest.mark.parametrize(
    ("body", "found"), [(PNG, PictureFormat.PNG), (JPEG, PictureFormat.JPEG), (WEBP, PictureFormat.WEBP)]
)
async def test_the_format_is_what_the_bytes_say(tmp_path: Path, body: bytes, found: PictureFormat) -> None:
    async with playing(always(200, body, Content_Type="text/plain")) as server, client(API) as image_api:
        download = await image_api.download(f"{server.url}/a.gif", tmp_path / "p", max_bytes=len(body))
    assert download == Download(found, len(body))
    assert names(tmp_path) == ["p"]
    assert (tmp_path / "p").read_bytes() == body


JPEG_OF_PIXELS = b"\xff\xd8\xff\xe0\0\x10JFIF\0" + bytes(9) + b"\xff\xda\0\x0c\3\1\0\2\x11\3\x11\0\x3f\0" + b"p" * 500


@pytest.mark.parametrize(
    ("body", "found", "tries"),
    [
        (b"GIF89a" + bytes(100), PictureFormat.GIF, 1),
        (b"GIF87a" + bytes(100), PictureFormat.GIF, 1),
        (b"\0\0\0\x20ftypavif" + bytes(100), PictureFormat.AVIF, 1),
        (b"\0\0\0\x20ftypavis" + bytes(100), PictureFormat.AVIF, 1),
        (JPEG_OF_PIXELS, PictureFormat.JPEG, 2),
        (JPEG_OF_PIXELS + b"\xff\xd9" + bytes(100_000), PictureFormat.JPEG, 2),
    ],
    ids=["GIF", "old GIF", "AVIF", "moving AVIF", "JPEG without its end", "JPEG with a film behind"],
)
async def test_what_discord_shows_is_taken(tmp_path: Path, body: bytes, found: PictureFormat, tries: int) -> None:
    async with playing(always(200, body)) as server, client(API) as image_api:
        for _ in range(tries - 1):
            with pytest.raises(DownloadGone):
                await image_api.download(f"{server.url}/a", tmp_path / "p", max_bytes=MANY)
        download = await image_api.download(f"{server.url}/a", tmp_path / "p", max_bytes=MANY)
    assert (download.format, (tmp_path / "p").read_bytes(), len(server.seen)) == (found, body, tries)


@pytest.mark.parametrize(
    "trouble",
    [
        always(403),
        always(404),
        always(429, Retry_After="0"),
        always(500),
        always(503),
        always(524),
        always(200, b""),
        hang_up,
        half_a_picture,
        half_a_picture_that_looks_whole,
    ],
)
async def test_after_passing_trouble_another_try_brings_the_picture(tmp_path: Path, trouble: Handler) -> None:
    handler = in_turn(trouble, trouble, always(200, PNG))
    async with playing(handler) as server, client(API) as image_api:
        for _ in range(2):
            with suppress(DownloadGone, DownloadUnreachable):
                await image_api.download(f"{server.url}/a", tmp_path / "p", max_bytes=MANY)
        download = await image_api.download(f"{server.url}/a", tmp_path / "p", max_bytes=MANY)
    assert download.bytes == len(PNG)
    assert names(tmp_path) == ["p"]


@pytest.mark.parametrize(
    ("trouble", "kind", "tries"),
    [
        (always(403, b"<Error>AccessDenied</Error>"), DownloadGone, 1),
        (always(404), DownloadGone, 1),
        (always(410), DownloadGone, 1),
        (always(401), DownloadGone, 1),
        (always(204), DownloadGone, 1),
        (always(502), DownloadUnreachable, 1),
        (hang_up, DownloadUnreachable, 2),  # aiohttp itself asks once more where a GET gets no answer at all
        (half_a_picture, DownloadUnreachable, 1),
        (half_a_picture_that_looks_whole, DownloadGone, 1),
        (always(200, JPEG[: len(JPEG) // 2]), DownloadGone, 1),
        (always(200, WEBP[:-1]), DownloadGone, 1),
        (wait, DownloadUnreachable, 1),
        (always(200, b""), DownloadGone, 1),
        (always(200, b"<!doctype html><html>"), NotAPicture, 1),
        (always(200, b"GIF90a" + bytes(100)), NotAPicture, 1),
        (always(200, b"\0\0\0\x20ftypheic" + bytes(100)), UnknownFormat, 1),
        (always(200, b"<svg xmlns='http://www.w3.org/2000/svg'/>"), UnknownFormat, 1),
        (always(200, b"\x89PNG"), NotAPicture, 1),
        (always(200, PNG + bytes(MANY)), TooLarge, 1),
        (always(302, Location="ftp://cdn.example/a"), AddressRefused, 1),
        (always(302, Location="http://[::1"), AddressRefused, 1),
        (always(302), DownloadGone, 1),
        (always(302, Location="/a"), DownloadGone, 5),
    ],
)
async def test_lasting_trouble_ends_in_a_typed_error_and_leaves_no_file(
    tmp_path: Path, trouble: Handler, kind: type[DownloadError], tries: int
) -> None:
    limits = replace(HURRY, silence_s=0.05)
    async with playing(trouble) as server, client(API, limits=limits) as image_api:
        with pytest.raises(kind) as caught:
            await image_api.download(f"{server.url}/a", tmp_path / "p", max_bytes=MANY)
    assert type(caught.value) is kind
    assert len(server.seen) == tries
    assert not (tmp_path / "p").exists()


async def test_nobody_listening_is_unreachable(tmp_path: Path) -> None:
    async with client(API) as image_api:
        with pytest.raises(DownloadUnreachable):
            await image_api.download(f"http://127.0.0.1:{free_port()}/a", tmp_path / "p", max_bytes=MANY)


@pytest.mark.parametrize("told", [True, False], ids=["length told", "length not told"])
async def test_the_size_is_bounded_while_the_bytes_come(tmp_path: Path, told: bool) -> None:
    sent = 0

    async def endless(request: web.Request) -> Reply:
        nonlocal sent
        response = web.StreamResponse(headers={"Content-Length": str(500 * MANY)} if told else {})
        await response.prepare(request)
        for _ in range(500):
            await response.write(PNG + bytes(MANY))
            sent += MANY
        return response

    async with playing(endless) as server, client(API) as image_api:
        with pytest.raises(TooLarge):
            await image_api.download(f"{server.url}/a", tmp_path / "p", max_bytes=MANY)
    assert sent < 100 * MANY
    assert names(tmp_path) == []


async def test_a_bomb_in_gzip_counts_unpacked(tmp_path: Path) -> None:
    bomb = gzip.compress(PNG + bytes(20 * MANY))
    async with playing(always(200, bomb, Content_Encoding="gzip")) as server, client(API) as image_api:
        with pytest.raises(TooLarge):
            await image_api.download(f"{server.url}/a", tmp_path / "p", max_bytes=MANY)
    assert server.seen[0].headers["accept-encoding"] == "identity"


async def test_a_full_or_missing_folder_is_told_and_not_tried_again(tmp_path: Path) -> None:
    async with playing(always(200, PNG)) as server, client(API) as image_api:
        for address in (f"{server.url}/a", "data:image/png;base64," + base64.b64encode(PNG).decode()):
            with pytest.raises(NotWritten, match="cannot be written"):
                await image_api.download(address, tmp_path / "missing" / "p", max_bytes=MANY)
    assert len(server.seen) == 1


async def test_a_cancelled_download_leaves_no_file(tmp_path: Path) -> None:
    begun = asyncio.Event()

    async def slow(request: web.Request) -> Reply:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(PNG)
        begun.set()
        await asyncio.sleep(5)
        return response

    async with playing(slow) as server, client(API) as image_api:
        download = asyncio.create_task(image_api.download(f"{server.url}/a", tmp_path / "p", max_bytes=MANY))
        await begun.wait()
        download.cancel()
        with pytest.raises(asyncio.CancelledError):
            await download
    assert names(tmp_path) == []


# --- other kinds of addresses


async def test_a_relative_address_belongs_to_the_api_and_gets_the_key(tmp_path: Path) -> None:
    async with playing(always(200, PNG)) as server, client(server.url + "/v1") as image_api:
        await image_api.download("/v1/images/tasks/1/content?n=1", tmp_path / "p", max_bytes=MANY)
    assert server.seen[0].path == "/v1/images/tasks/1/content?n=1"
    assert server.seen[0].headers["authorization"] == f"Bearer {KEY}"


async def test_a_data_uri_is_a_picture_without_any_request(tmp_path: Path) -> None:
    text = "data:image/jpeg;base64," + base64.b64encode(WEBP).decode()
    async with client(API) as image_api:
        assert (await image_api.download(text, tmp_path / "p", max_bytes=MANY)).format is PictureFormat.WEBP
        with pytest.raises(TooLarge):
            await image_api.download(text, tmp_path / "q", max_bytes=len(WEBP) - 1)
        for damaged in ("data:image/png,plain", "data:image/png;base64,!!!!", "data:image/png;base64,", "data:"):
            with pytest.raises(NotAPicture):
                await image_api.download(damaged, tmp_path / "q", max_bytes=MANY)
    assert names(tmp_path) == ["p"]


async def test_a_held_name_that_is_not_here_is_gone(tmp_path: Path) -> None:
    async with client(API) as image_api:
        for name in ("held:" + "0" * 32, "held:../../etc/passwd"):
            with pytest.raises(DownloadGone):
                await image_api.download(name, tmp_path / "p", max_bytes=MANY)


# --- no way into a private network


@pytest.mark.parametrize(
    "address",
    [
        "http://localhost:{port}/a",
        "http://127.0.0.2:{port}/a",
        "http://127.1:{port}/a",
        "http://2130706433:{port}/a",
        "http://0x7f.0.0.1:{port}/a",
        "http://0:{port}/a",
        "http://[::ffff:127.0.0.1]:{port}/a",
        "http://169.254.169.254/latest/meta-data/",
        "http://user@127.0.0.1:{port}/a",
        "file:///etc/passwd",
        "/etc/passwd\n",
        "",
    ],
)
async def test_private_addresses_are_never_connected_to(tmp_path: Path, address: str) -> None:
    async with playing(always(200, PNG)) as server, client("https://images.example") as image_api:
        for fetch in (image_api.download, image_api.fetch_source):
            if fetch == image_api.download and address in {"", "/etc/passwd\n"}:
                continue  # relative to the API
            with pytest.raises(AddressRefused):
                await fetch(address.format(port=server.port), tmp_path / "p", max_bytes=MANY)
    assert server.seen == []


async def test_a_redirect_does_not_lead_into_a_private_network(tmp_path: Path) -> None:
    async with playing(always(200, PNG)) as inside:
        redirect = always(302, Location=f"http://localhost:{inside.port}/a")
        async with playing(redirect) as server, client(API, Mode.TASKS, HURRY, "127.0.0.1") as image_api:
            for fetch in (image_api.download, image_api.fetch_source):
                with pytest.raises(AddressRefused):
                    await fetch(f"{server.url}/a", tmp_path / "p", max_bytes=MANY)
    assert len(server.seen) == 2
    assert inside.seen == []


async def test_each_exception_holds_for_its_own_kind_of_address_only(tmp_path: Path) -> None:
    async with playing(always(200, PNG)) as server:
        results = f"http://127.0.0.1:{server.port}/a"
        attachments = f"http://localhost:{server.port}/a"
        async with client(API, Mode.TASKS, HURRY, "localhost") as image_api:
            await image_api.download(results, tmp_path / "p", max_bytes=MANY)
            await image_api.fetch_source(attachments, tmp_path / "p", max_bytes=MANY)
            with pytest.raises(AddressRefused):
                await image_api.download(attachments, tmp_path / "p", max_bytes=MANY)
            with pytest.raises(AddressRefused):
                await image_api.fetch_source(results, tmp_path / "p", max_bytes=MANY)


async def test_the_end_of_an_attachment_is_left_to_its_decoder(tmp_path: Path) -> None:
    film = JPEG + bytes(100_000)
    async with playing(always(200, film)) as server, client(API, Mode.TASKS, HURRY, "127.0.0.1") as image_api:
        assert (await image_api.fetch_source(f"{server.url}/a", tmp_path / "p", max_bytes=MANY)).bytes == len(film)


async def test_an_expired_attachment_is_told_at_once(tmp_path: Path) -> None:
    async with playing(always(404)) as server, client(API, Mode.TASKS, HURRY, "127.0.0.1") as image_api:
        with pytest.raises(DownloadGone):
            await image_api.fetch_source(f"{server.url}/a", tmp_path / "p", max_bytes=MANY)
    assert len(server.seen) == 1
