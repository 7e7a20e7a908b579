"""Small pictures, made byte by byte."""

import struct
import zlib


def png(width: int = 2, height: int = 3, *, more: bytes = b"") -> bytes:
    """Return a grey PNG; `more` are chunks before its pixels."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compress((b"\x00" + bytes(min(width, 64))) * min(height, 64))
    return b"".join(
        [b"\x89PNG\r\n\x1a\n", png_chunk(b"IHDR", header), more, png_chunk(b"IDAT", rows),
         png_chunk(b"IEND", b"")]
    )  # fmt: skip


def png_chunk(kind: bytes, body: bytes) -> bytes:
    """Return a chunk of a PNG."""
    checksum = struct.pack(">I", zlib.crc32(kind + body))
    return struct.pack(">I", len(body)) + kind + body + checksum


def jpeg(width: int = 2, height: int = 3, *, more: bytes = b"", behind: bytes = b"") -> bytes:
    """Return what has all the parts of a JPEG; `more` are segments after the first."""
    jfif = jpeg_segment(0xE0, b"JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00")
    frame = jpeg_segment(0xC0, struct.pack(">BHHB", 8, height, width, 1) + b"\x01\x11\x00")
    scan = jpeg_segment(0xDA, b"\x01\x01\x00\x00\x3f\x00") + b"\x12\xff\x00\x34\xff\xd0\x56"
    return b"\xff\xd8" + jfif + more + frame + scan + b"\xff\xd9" + behind


def jpeg_segment(marker: int, body: bytes) -> bytes:
    """Return a segment of a JPEG."""
    return bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body


def exif(orientation: int, *, order: str = "<") -> bytes:
    """Return an Exif segment with a place in it that nobody must learn."""
    text = b"52.5N 13.4E secret place\x00"
    entries = [(0x010F, 2, len(text), 38), (0x0112, 3, 1, orientation)]
    head = {"<": b"II\x2a\x00", ">": b"MM\x00\x2a"}[order] + struct.pack(order + "I", 8)
    body = struct.pack(order + "H", len(entries))
    for tag, kind, count, value in entries:
        last = struct.pack(
            order + ("HH" if kind == 3 else "I"), *([value, 0][: 2 if kind == 3 else 1])
        )
        body += struct.pack(order + "HHI", tag, kind, count) + last
    return jpeg_segment(0xE1, b"Exif\x00\x00" + head + body + struct.pack(order + "I", 0) + text)


def webp(width: int = 2, height: int = 3, *, kind: bytes = b"VP8L", more: bytes = b"") -> bytes:
    """Return what has all the parts of a still WebP; `more` are chunks after its pixels."""
    bits = struct.pack("<I", (width - 1) | (height - 1) << 14)
    pixels = {
        b"VP8L": b"\x2f" + bits + b"\x00",
        b"VP8 ": b"\x00\x00\x00\x9d\x01\x2a" + struct.pack("<HH", width, height),
    }[kind]
    body = webp_chunk(kind, pixels) + more
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


def extended_webp(width: int, height: int, flags: int, *, more: bytes = b"") -> bytes:
    """Return a WebP with a VP8X header."""
    sizes = struct.pack("<I", width - 1)[:3] + struct.pack("<I", height - 1)[:3]
    inner = webp(width, height)[12:]
    body = webp_chunk(b"VP8X", bytes([flags, 0, 0, 0]) + sizes) + inner + more
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


def webp_chunk(kind: bytes, body: bytes) -> bytes:
    """Return a chunk of a WebP."""
    return kind + struct.pack("<I", len(body)) + body + b"\x00" * (len(body) % 2)
