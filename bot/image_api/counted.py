"""Tells the measures of calls to the image API: how each one ended, and why something was not done.

The names of outcomes become labels in the metrics, so there is a small fixed set of them. What a person typed, an id
or an address never becomes a label.
"""

from __future__ import annotations

import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass

from bot.errors import DownloadError, ImageApiError
from bot.telemetry import Measures


@dataclass(slots=True)
class Ended:
    """How one request ended: its status, 0 while there is no answer."""

    status: int = 0


@contextmanager
def counted_call(measures: Measures, method: str, *path: str) -> Generator[Ended]:
    """Around one request; set `status`. Of the path only the words before an id are told."""
    ended, broke, began = Ended(), "given up", time.perf_counter()
    try:
        yield ended
    except ImageApiError as error:
        broke = type(error).__name__.lower()
        raise
    finally:
        outcome = f"{ended.status // 100}xx" if ended.status not in {0, 429} else str(ended.status or broke)
        measures.image_api_called(f"{method} {'/'.join(path[:2])}", outcome, time.perf_counter() - began)


@contextmanager
def counted_failures(measures: Measures) -> Generator[None]:
    """Around one act: tells why the image API did not do it."""
    try:
        yield
    except ImageApiError as error:
        measures.image_api_failed(error.kind)
        raise


@contextmanager
def counted_download(measures: Measures) -> Generator[None]:
    """Around the fetching of one result."""
    outcome, began = "given up", time.perf_counter()
    try:
        yield
        outcome = "ok"
    except DownloadError as error:
        outcome = type(error).__name__
        raise
    finally:
        measures.downloaded(outcome, time.perf_counter() - began)
