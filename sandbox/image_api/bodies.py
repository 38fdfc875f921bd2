"""Reads the body of a submission, JSON or multipart, and keeps in the record what came."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import cast

from aiohttp import BodyPartReader, web

from bot.model import MAX_SOURCE_BYTES
from sandbox.image_api.records import RecordedRequest
from sandbox.image_api.validation import Refusal

#: The file fields that clients of this family send: image, image[] and image[0].
_FILE_FIELD = re.compile(r"image(\[\d*\])?\Z")


async def read_body(request: web.Request, record: RecordedRequest) -> tuple[Mapping[str, object], Sequence[bytes]]:
    """The fields and the uploaded files of a submission. Raises Refusal."""
    if request.content_type == "multipart/form-data":
        return await _read_multipart(request, record)
    return await _read_json(request, record), ()


async def _read_json(request: web.Request, record: RecordedRequest) -> Mapping[str, object]:
    raw = await request.read()
    try:
        body: object = json.loads(raw)
    except ValueError as error:
        raise Refusal("the body is no valid JSON") from error
    record.json = body
    if not isinstance(body, dict):
        raise Refusal("the body must be a JSON object")
    return cast(dict[str, object], body)


async def _read_multipart(
    request: web.Request, record: RecordedRequest
) -> tuple[Mapping[str, object], Sequence[bytes]]:
    fields: dict[str, object] = {}
    files: list[bytes] = []
    form: dict[str, tuple[str | int, ...]] = {}
    record.form = form
    async for part in await request.multipart():
        if not isinstance(part, BodyPartReader) or part.name is None:
            raise Refusal("the form has a part without a name")
        content = bytes(await part.read())
        if part.filename is None:
            fields[part.name] = content.decode("utf-8", "replace")
            form[part.name] = (*form.get(part.name, ()), str(fields[part.name]))
            continue
        if not _FILE_FIELD.match(part.name):
            raise Refusal(f"Argument not supported: {part.name}")
        if len(content) > MAX_SOURCE_BYTES:
            raise Refusal("http: request body too large", "read_request_body_failed", 413)
        files.append(content)
        form[part.name] = (*form.get(part.name, ()), len(content))
    return fields, files
