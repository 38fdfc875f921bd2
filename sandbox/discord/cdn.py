"""Files and their signed, expiring addresses."""

from __future__ import annotations

import hashlib
import hmac
import io
import mimetypes
import re
import secrets
import shutil
import tempfile
import time
import weakref
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from aiohttp import web
from PIL import Image, UnidentifiedImageError

from sandbox.discord.ids import snowflake
from sandbox.discord.rules import DiscordRules

GONE = "This content is no longer available."
_HEAD_BYTES = 256 * 1024
_NOT_ALLOWED = re.compile(r"[^A-Za-z0-9_.\-]+")


@dataclass(frozen=True, slots=True)
class Upload:
    """A file on its way in: what a person attaches or the bot sends."""

    filename: str
    data: bytes

    @classmethod
    def read(cls, path: Path) -> Upload:
        return cls(path.name, path.read_bytes())


@dataclass(frozen=True, slots=True)
class Attachment:
    """A stored file. `blob` names its bytes, `folder` is the channel or app its address stands under."""

    id: int
    folder: int
    filename: str
    size: int
    content_type: str
    blob: str
    width: int | None = None
    height: int | None = None
    description: str | None = None
    ephemeral: bool = False

    @property
    def path(self) -> str:
        """Where it lies on the CDN, without signature."""
        root = "ephemeral-attachments" if self.ephemeral else "attachments"
        return f"/{root}/{self.folder}/{self.id}/{self.filename}"


class Cdn:
    """Keeps the bytes on disk, hands out signed addresses and answers them until they expire."""

    def __init__(self, rules: DiscordRules) -> None:
        self.rules = rules
        self.base_url = ""
        self._folder = Path(tempfile.mkdtemp(prefix="easel-sandbox-"))
        self._key = secrets.token_bytes(16)
        self._files: dict[int, Attachment] = {}
        weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)

    def store(
        self, upload: Upload, *, folder: int, ephemeral: bool = False, description: str | None = None
    ) -> Attachment:
        """Take a file in; its picture size is read from the bytes."""
        blob = hashlib.sha256(upload.data).hexdigest()
        path = self._folder / blob
        if not path.exists():
            path.write_bytes(upload.data)
        width, height, kind = _picture(upload.data)
        attachment = Attachment(
            id=snowflake(),
            folder=folder,
            filename=_NOT_ALLOWED.sub("_", upload.filename) or "unknown",
            size=len(upload.data),
            content_type=kind or mimetypes.guess_type(upload.filename)[0] or "application/octet-stream",
            blob=blob,
            width=width,
            height=height,
            description=description or None,
            ephemeral=ephemeral,
        )
        self._files[attachment.id] = attachment
        return attachment

    def bytes(self, attachment_id: int) -> bytes:
        """The content of a file, whatever became of its addresses. Raises KeyError once it was removed."""
        return (self._folder / self._files[attachment_id].blob).read_bytes()

    def remove(self, attachment: Attachment) -> None:
        """Its addresses answer 404 from now on."""
        self._files.pop(attachment.id, None)

    def find(self, url: str) -> Attachment | None:
        """The file an address of this CDN means, expired or not."""
        parts = urlsplit(url)
        if f"{parts.scheme}://{parts.netloc}" != self.base_url:
            return None
        steps = parts.path.split("/")
        known = self._files.get(int(steps[3])) if len(steps) == 5 and steps[3].isdigit() else None
        return known if known and known.path == parts.path else None

    def address(self, attachment: Attachment) -> str:
        """A freshly signed address."""
        now = time.time()
        issued, expires = f"{int(now):x}", f"{int(now + self.rules.cdn_lifetime_s):x}"
        mark = self._sign(attachment.path, expires, issued)
        return f"{self.base_url}{attachment.path}?ex={expires}&is={issued}&hm={mark}&"

    def expire_addresses(self) -> None:
        """Every address handed out so far stops working; fresh ones can be had by fetching the message."""
        self._key = secrets.token_bytes(16)

    async def serve(self, request: web.Request) -> web.StreamResponse:
        attachment = self.find(f"{self.base_url}{request.path}")
        if attachment is None or not self._is_valid(request.path, request.query_string):
            return web.Response(status=404, text=GONE)
        return web.FileResponse(self._folder / attachment.blob, headers={"Content-Type": attachment.content_type})

    def _is_valid(self, path: str, query: str) -> bool:
        given = {key: values[0] for key, values in parse_qs(query).items()}
        expires, issued, mark = (given.get(key, "") for key in ("ex", "is", "hm"))
        if not hmac.compare_digest(mark, self._sign(path, expires, issued)):
            return False
        return time.time() < int(expires, 16)

    def _sign(self, path: str, expires: str, issued: str) -> str:
        return hmac.new(self._key, f"{path}|{expires}|{issued}".encode(), hashlib.sha256).hexdigest()


def _picture(data: bytes) -> tuple[int | None, int | None, str | None]:
    """Width, height and media type of a picture; nothing for other files.

    Only the beginning is looked at, as a file of millions of notes would hold everything up. WebP is read as a whole.
    """
    head = data if data.startswith(b"RIFF") else data[:_HEAD_BYTES]
    try:
        with Image.open(io.BytesIO(head)) as image:
            return image.width, image.height, Image.MIME.get(image.format or "")
    except (UnidentifiedImageError, OSError, Image.DecompressionBombError):
        return None, None, None
