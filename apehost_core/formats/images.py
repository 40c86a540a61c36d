"""Images that stand in a file themselves, as data URIs. Those that are only named are never fetched."""

import base64
import binascii

from apehost_core.messages import ImagePart

LARGEST = 10 * 1024 * 1024
"""Bytes of one image."""
_BEGINNINGS = {"image/png": b"\x89PNG\r\n\x1a\n", "image/jpeg": b"\xff\xd8\xff"}


def image_of(uri: str) -> ImagePart | None:
    """Return the image of a data URI; None where it is none, too large, or not what it says it is."""
    if not uri.startswith("data:") or len(uri) > LARGEST * 4 // 3 + 200:
        return None
    head, _, data = uri.partition(",")
    mime_type, _, coding = head.removeprefix("data:").partition(";")
    mime_type = {"image/jpg": "image/jpeg"}.get(mime_type, mime_type)
    if mime_type not in _BEGINNINGS or coding != "base64":
        return None
    try:
        content = base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        return None
    if len(content) > LARGEST or not content.startswith(_BEGINNINGS[mime_type]):
        return None
    return ImagePart(mime_type, data)
