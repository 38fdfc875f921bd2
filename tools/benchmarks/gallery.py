"""The pictures of a load test: real 1k JPEG files, painted beforehand so that handing them out costs nothing."""

from __future__ import annotations

from collections.abc import Sequence

from bot.model import PictureFormat
from sandbox.image_api.latency import Latency
from sandbox.image_api.painter import Commission, paint
from sandbox.image_api.records import Finished, Submission
from sandbox.image_api.server import LocalImageApi
from sandbox.image_api.studio import PaintMode, noise
from sandbox.image_api.tasks import TaskBook

MOTIFS = (
    "a red fox in fresh snow, early light, long shadows",
    "a lighthouse at dusk, oil on canvas, heavy seas below the cliff",
    "a neon city in the rain, seen from a rooftop",
    "a quiet garden with a koi pond and a stone bridge",
    "mountains at dawn, mist in the valley, a lone pine in front",
    "portrait of an old sailor with a pipe, charcoal and chalk",
    "a small planet with two moons, seen from orbit",
    "an empty beach in winter, a wooden boat pulled up on the sand",
)


class Gallery:
    """A studio of the local image API that has painted everything before it opens."""

    def __init__(self, motifs: Sequence[str] = MOTIFS) -> None:
        self.files: Sequence[bytes] = tuple(paint(Commission(motif)) for motif in motifs)
        self._handed_out = 0

    async def paint(
        self, submission: Submission, sources: Sequence[bytes], count: int, picture_format: PictureFormat
    ) -> tuple[Finished, ...]:
        """Hand out the next `count` pictures; they are JPEG files whatever is asked for."""
        first, self._handed_out = self._handed_out, self._handed_out + count
        return tuple(
            Finished(self.files[index % len(self.files)], PictureFormat.JPEG) for index in range(first, first + count)
        )

    async def close(self) -> None:
        """Nothing to close."""


class LargeGallery(Gallery):
    """Hands out pictures of noise, of `side` pixels, at 2k, and the usual ones at 1k."""

    def __init__(self, side: int) -> None:
        super().__init__(MOTIFS[:1])
        self._large = noise(side)

    async def paint(
        self, submission: Submission, sources: Sequence[bytes], count: int, picture_format: PictureFormat
    ) -> tuple[Finished, ...]:
        """Hand out `count` pictures: PNG files where they are large."""
        if submission.resolution != "2k":
            return await super().paint(submission, sources, count, picture_format)
        return tuple(Finished(self._large, PictureFormat.PNG) for _ in range(count))


class StockedImageApi(LocalImageApi):
    """The local image API with a gallery in place of its painter."""

    def __init__(self, gallery: Gallery, latency: Latency, seed: int) -> None:
        super().__init__(latency=latency, seed=seed, paint=PaintMode.TINY)
        self._book = TaskBook(gallery, latency, seed)

    def takes(self, latency: Latency) -> None:
        """From now on tasks take so long."""
        self._book.latency = latency
