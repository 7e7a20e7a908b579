"""Pictures that users upload: what they are by their own bytes, and what of them is kept.

PNG (ISO/IEC 15948), JPEG (ITU-T T.81) and WebP (RFC 9649) are told by their signatures and walked
through part by part, so that neither a wrong name nor what hangs behind a picture passes. Nothing
is decoded: the size that a decoder would have to make room for stands in the header.

What cameras and programs write beside the picture (where it was taken, with what, by whom) is left
out. Only how a photograph is to be turned stays, since it would be shown lying down without it.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_KEPT = frozenset(
    {b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"cHRM", b"gAMA", b"sRGB", b"sBIT", b"bKGD"}
)
_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_SOI, _EOI, _SOS, _APP0, _APP1, _APP14, _APP15, _COM = (
    0xD8, 0xD9, 0xDA, 0xE0, 0xE1, 0xEE, 0xEF, 0xFE,
)  # fmt: skip
_RESTARTS = frozenset(range(0xD0, 0xD8))
_WEBP_KEPT = frozenset({b"VP8 ", b"VP8L", b"VP8X", b"ALPH"})
_WEBP_FLAGS_KEPT = 0x10  # alpha; animation, profile, EXIF and XMP are left out
_EXIF = b"Exif\x00\x00"
_ORIENTATION = 0x0112
_TURNED = range(2, 9)


class NotAPictureError(ValueError):
    """The bytes are no picture of a known kind, or a broken one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Picture:
    """A picture: its media type, its size in pixels, and its bytes without what is beside it."""

    content_type: str
    width: int
    height: int
    data: bytes


def read_picture(data: bytes) -> Picture:
    """Return the picture that these bytes are.

    Raises:
        NotAPictureError: they are none, or not to their end.
    """
    try:
        if data.startswith(_PNG):
            return _read_png(data)
        if data.startswith(b"\xff\xd8\xff"):
            return _read_jpeg(data)
        if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
            return _read_webp(data)
    except (struct.error, IndexError) as error:
        raise NotAPictureError("the picture ends before it should") from error
    raise NotAPictureError("this is neither PNG, JPEG nor WebP")


def _read_png(data: bytes) -> Picture:
    chunks = list(_png_chunks(data))
    if chunks[0][0] != b"IHDR" or len(chunks[0][1]) != 25:  # noqa: PLR2004 - 13 bytes and 12 around
        raise NotAPictureError("a PNG begins with IHDR")
    width, height = struct.unpack(">II", chunks[0][1][8:16])
    kept = b"".join(raw for kind, raw in chunks if kind in _PNG_KEPT)
    if not any(kind == b"IDAT" for kind, _ in chunks):
        raise NotAPictureError("a PNG has pixels")
    return Picture(content_type="image/png", width=width, height=height, data=_PNG + kept)


def _png_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield kind and bytes of each chunk; what comes after IEND is not looked at."""
    at = len(_PNG)
    while True:
        (length,) = struct.unpack_from(">I", data, at)
        raw = data[at : at + length + 12]
        if len(raw) < length + 12:
            raise NotAPictureError("a chunk of the PNG is cut off")
        yield raw[4:8], raw
        if raw[4:8] == b"IEND":
            return
        at += len(raw)


def _read_jpeg(data: bytes) -> Picture:
    size: tuple[int, int] | None = None
    turned, kept, has_pixels = 1, bytearray(), False
    for marker, raw in _jpeg_segments(data):
        if marker in _JPEG_FRAMES:
            height, width = struct.unpack_from(">HH", raw, 5)
            size = size or (width, height)
        if marker == _APP1 and turned == 1:
            turned = _orientation(raw[4:])
        has_pixels = has_pixels or marker == _SOS
        if not (_APP1 <= marker <= _APP15 or marker == _COM) or marker == _APP14:
            kept += raw
    if size is None or not has_pixels:
        raise NotAPictureError("a JPEG has a frame and pixels")
    return Picture(
        content_type="image/jpeg",
        width=size[0],
        height=size[1],
        data=b"\xff\xd8" + _turned(turned) + bytes(kept) + b"\xff\xd9",
    )


def _jpeg_segments(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield marker and bytes of each segment up to the end of the image, scans with their data."""
    at = 2
    while True:
        if data[at] != 0xFF:  # noqa: PLR2004 - what each marker begins with
            raise NotAPictureError("a segment of the JPEG begins with no marker")
        marker = data[at + 1]
        if marker == 0xFF:  # noqa: PLR2004 - markers may be filled up
            at += 1
            continue
        if marker == _EOI:
            return
        (length,) = struct.unpack_from(">H", data, at + 2)
        end = at + 2 + length
        if marker == _SOS:
            end = _scan_end(data, end)
        if length < 2 or end > len(data) or marker in (_SOI, *_RESTARTS):  # noqa: PLR2004 - itself
            raise NotAPictureError("a segment of the JPEG is broken")
        yield marker, data[at:end]
        at = end


def _scan_end(data: bytes, at: int) -> int:
    """Return where the pixels end that begin at `at`: at a marker that is no restart."""
    while True:
        at = data.find(b"\xff", at)
        if at < 0:
            raise NotAPictureError("the pixels of the JPEG have no end")
        following = data[at + 1]
        if following != 0 and following not in _RESTARTS:
            return at
        at += 2


def _orientation(exif: bytes) -> int:
    """Return how the picture is to be turned (Exif 2.32, tag 0x0112); 1 is not at all."""
    if not exif.startswith(_EXIF):
        return 1
    tiff = exif[len(_EXIF) :]
    order = {b"II": "<", b"MM": ">"}.get(tiff[:2])
    if order is None:
        return 1
    try:
        (start,) = struct.unpack_from(order + "I", tiff, 4)
        (count,) = struct.unpack_from(order + "H", tiff, start)
        for index in range(count):
            tag, _, _, value = struct.unpack_from(order + "HHIH", tiff, start + 2 + 12 * index)
            if tag == _ORIENTATION:
                return int(value) if value in _TURNED else 1
    except struct.error:
        return 1
    return 1


def _turned(orientation: int) -> bytes:
    """Return an Exif segment that says this and nothing else; none for an upright picture."""
    if orientation == 1:
        return b""
    entry = struct.pack(">HHIHH", _ORIENTATION, 3, 1, orientation, 0)
    tiff = b"MM\x00\x2a" + struct.pack(">IH", 8, 1) + entry + struct.pack(">I", 0)
    body = _EXIF + tiff
    return b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body


def _read_webp(data: bytes) -> Picture:
    (length,) = struct.unpack_from("<I", data, 4)
    if length + 8 > len(data):
        raise NotAPictureError("the WebP is cut off")
    size: tuple[int, int] | None = None
    kept = bytearray()
    for kind, raw in _webp_chunks(data[: length + 8]):
        found = _webp_size(kind, raw[8:])
        size = size or found
        if kind in _WEBP_KEPT:
            kept += _webp_flags(raw) if kind == b"VP8X" else raw
    if size is None or not (b"VP8 " in kept or b"VP8L" in kept):
        raise NotAPictureError("a WebP has pixels, and is not animated")
    whole = b"RIFF" + struct.pack("<I", len(kept) + 4) + b"WEBP" + bytes(kept)
    return Picture(content_type="image/webp", width=size[0], height=size[1], data=whole)


def _webp_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 12
    while at < len(data):
        (length,) = struct.unpack_from("<I", data, at + 4)
        raw = data[at : at + 8 + length + length % 2]
        if len(raw) < 8 + length:
            raise NotAPictureError("a chunk of the WebP is cut off")
        yield raw[:4], raw
        at += len(raw)


def _webp_size(kind: bytes, body: bytes) -> tuple[int, int] | None:
    if kind == b"VP8X":
        wide, high = body[4:7] + b"\x00", body[7:10] + b"\x00"
        return struct.unpack("<I", wide)[0] + 1, struct.unpack("<I", high)[0] + 1
    if kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", body, 1)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", body, 6)
        return width & 0x3FFF, height & 0x3FFF
    return None


def _webp_flags(raw: bytes) -> bytes:
    """Return the VP8X chunk without the marks of what is left out."""
    return raw[:8] + bytes([raw[8] & _WEBP_FLAGS_KEPT]) + raw[9:]
