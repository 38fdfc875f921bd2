"""Request bodies for the image API: every documented field that a route's examples show, and no other.

Fields that a route's examples do not show are left out, since some servers of the family refuse a request for one
unknown field.
"""

from __future__ import annotations

from bot.model import ImageRequest


def task_body(request: ImageRequest) -> dict[str, object]:
    """The body of POST /v1/images/tasks.

    Everything is explicit, since no defaults are documented. `num_images` and never `n`; exactly one image field,
    `image` for one source and `images` for several, since the page forbids mixing them.
    """
    body: dict[str, object] = {
        "model": str(request.model),
        "task_type": "image2image" if request.is_edit else "text2image",
        "prompt": request.prompt,
        "aspect_ratio": str(request.aspect_ratio),
        "resolution": str(request.resolution),
        "output_format": str(request.format),
        "num_images": request.count,
        "response_format": "url",
    }
    addresses = [source.url for source in request.sources]
    if len(addresses) == 1:
        body["image"] = addresses[0]
    elif addresses:
        body["images"] = addresses
    return body


def sync_body(request: ImageRequest) -> dict[str, object]:
    """The body of POST /v1/images/generations, or of /v1/images/edits with the address of one source."""
    body: dict[str, object] = {
        "model": str(request.model),
        "prompt": request.prompt,
        "n": request.count,
        "response_format": "url",
    }
    if request.sources:
        body["image"] = request.sources[0].url
    return body


def form_fields(request: ImageRequest) -> dict[str, str]:
    """The text fields of a multipart POST /v1/images/edits; the sources' bytes go beside them."""
    return {
        "model": str(request.model),
        "prompt": request.prompt,
        "n": str(request.count),
        "response_format": "url",
    }
