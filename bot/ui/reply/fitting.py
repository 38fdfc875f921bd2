"""What of a finished job goes into its message: pictures and sources made to fit, and how each is named there."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bot.model import Job, Picture
from bot.pictures.studio import PictureStudio
from bot.ui.reply.cards import Shown, picture_filename
from bot.ui.reply.thumbnails import source_filename

#: Discord takes 25 MiB in one request; the form around the files needs a little of it.
MAX_TOTAL_BYTES = 24 * 1024 * 1024
#: Of one message. An image API may send more pictures than were asked for.
MAX_FILES = 10
#: A source beside a result may take this much before it is shrunk, so that the result has the room.
MAX_SOURCE_COPY_BYTES = 3 * 1024 * 1024


async def fitted(
    studio: PictureStudio, job: Job, pictures: Sequence[Picture], sources: Sequence[Path], limit: int
) -> tuple[Sequence[Shown], Sequence[tuple[Path, str]], Sequence[str]]:
    """Make everything fit into one message: the sources small, the pictures as they are where that is possible.

    Returns what the card shows, the files with their names in the message, and which of these names are sources.
    """
    into = pictures[0].path.parent
    allowed = min(limit, MAX_SOURCE_COPY_BYTES)
    copies = [await studio.shrink(it, into, job.user_id, max_bytes=allowed) for it in sources]
    kept = [copy for copy in copies if not copy.dropped]
    room = MAX_TOTAL_BYTES - sum(copy.path.stat().st_size for copy in kept)
    fitted = await studio.fit(
        [it.path for it in pictures], max_file=limit, max_total=room, into=into, user_id=job.user_id
    )
    shown: list[Shown] = []
    uploads: list[tuple[Path, str]] = []
    for index, (picture, fit) in enumerate(zip(pictures, fitted, strict=True)):
        fits = not fit.dropped and len(uploads) + len(kept) < MAX_FILES
        name = picture_filename(index, fit.format) if fits else None
        shown.append(Shown(name, fit.changed, picture.url, unknown=not picture.bytes and not picture.is_too_large))
        if name:
            uploads.append((fit.path, name))
    sources_shown = [(it.path, source_filename(index, it.format)) for index, it in enumerate(kept)]
    return shown, [*uploads, *sources_shown], [name for _, name in sources_shown]
