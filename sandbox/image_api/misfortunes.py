"""How this family of gateways words what went wrong, with and without JSON."""

from __future__ import annotations

import struct
import zlib

from sandbox.image_api.script import JsonObject


def flat(code: str, message: str) -> JsonObject:
    """An error as the task route tells it."""
    return {"code": code, "message": message, "data": None}


def nested(message: str, kind: str = "new_api_error", code: object = "") -> JsonObject:
    """An error as the synchronous routes, the key check and the rate limit tell it."""
    return {"error": {"message": message, "type": kind, "param": "", "code": code}}


def html(title: str) -> str:
    """A page as an edge server or a web application sends it in place of JSON."""
    return (
        f"<!DOCTYPE html><html><head><title>{title}</title></head><body><center><h1>{title}</h1></center></body></html>"
    )


def bomb() -> str:
    """A PNG of 60 bytes that claims 30,000 by 30,000 pixels, as Latin-1 text."""
    chunks = ((b"IHDR", struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0)), (b"IDAT", zlib.compress(b"")))
    parts = [
        struct.pack(">I", len(data)) + tag + data + struct.pack(">I", zlib.crc32(tag + data)) for tag, data in chunks
    ]
    return (b"\x89PNG\r\n\x1a\n" + b"".join(parts)).decode("latin-1")


REFUSAL = "Generated image rejected by content moderation."
BUSY = nested("The upstream load of this group is saturated, please try again later", "rate_limit_error", "rate_limit")
MODERATED: JsonObject = {
    "code": "imagine:content-moderated",
    "error": REFUSAL,
    "usage": {"cost_in_usd_ticks": 900_000_000},
}
POLICY: JsonObject = {
    "detail": [
        {"loc": ["body", "prompt"], "msg": "The content could not be processed.", "type": "content_policy_violation"}
    ]
}
BALANCE = flat("insufficient_user_quota", "user quota is not enough")
UPSTREAM = flat("do_request_failed", "request to the upstream address failed")
