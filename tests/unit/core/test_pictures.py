"""Pictures by their own bytes: what is one, how large it is, and what of it is kept."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightshift.core.pictures import NotAPictureError, read_picture
from tests.support.pictures import (
    exif,
    extended_webp,
    jpeg,
    jpeg_segment,
    png,
    png_chunk,
    webp,
    webp_chunk,
)

SECRET = b"secret place"
GOOD = [png(40, 30), jpeg(40, 30), webp(40, 30), webp(40, 30, kind=b"VP8 "),
        extended_webp(40, 30, 0x10)]  # fmt: skip


@pytest.mark.parametrize(
    ("data", "content_type"),
    [
        (png(40, 30), "image/png"),
        (jpeg(40, 30), "image/jpeg"),
        (webp(40, 30), "image/webp"),
        (webp(40, 30, kind=b"VP8 "), "image/webp"),
        (extended_webp(40, 30, 0x10), "image/webp"),
    ],
)
def test_a_picture_is_what_its_bytes_say(data: bytes, content_type: str) -> None:
    """Kind and size come from the bytes; a clean picture is kept as it is."""
    found = read_picture(data)
    assert (content_type, 40, 30, data) == (
        found.content_type,
        found.width,
        found.height,
        found.data,
    )


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"<html><script>alert(1)</script></html>",
        b"GIF89a" + bytes(20),
        b"BM" + bytes(60),
        b"\x89PNG\r\n\x1a\n",
        b"\xff\xd8\xff",
        b"\xff\xd8\xff\xd9",
        b"RIFF\x04\x00\x00\x00WEBP",
        png()[:-12],
        png()[:40],
        png().replace(b"IHDR", b"IHDX"),
        png().replace(b"IDAT", b"IDAX"),
        jpeg()[:-9],
        jpeg().replace(b"\xff\xc0", b"\xff\xc4"),
        jpeg()[:20] + b"\x00" + jpeg()[20:],
        webp()[:-4],
        webp().replace(b"VP8L", b"ANIM"),
        extended_webp(4, 4, 2, more=webp_chunk(b"ANMF", bytes(24))).replace(b"VP8L", b"ANMF"),
    ],
)
def test_what_is_none_is_refused(data: bytes) -> None:
    """Other kinds, pages that call themselves pictures, and broken ones."""
    with pytest.raises(NotAPictureError):
        read_picture(data)


@pytest.mark.parametrize("cut", range(1, 30))
@pytest.mark.parametrize("data", GOOD, ids=["png", "jpeg", "vp8l", "vp8", "vp8x"])
def test_a_picture_that_is_cut_off_is_refused(data: bytes, cut: int) -> None:
    """Wherever it ends too early, it is no picture; and nothing crashes."""
    with pytest.raises(NotAPictureError):
        read_picture(data[:-cut])


@given(st.sampled_from(GOOD), st.integers(0, 200), st.integers(0, 255))
def test_any_changed_byte_is_read_or_refused(data: bytes, at: int, value: int) -> None:
    """No bytes lead to another error."""
    broken = bytearray(data)
    broken[at % len(data)] = value
    try:
        found = read_picture(bytes(broken))
    except NotAPictureError:
        return
    assert found.content_type.startswith("image/")


@pytest.mark.parametrize(
    "data",
    [
        png(more=png_chunk(b"tEXt", b"Comment\x00" + SECRET) + png_chunk(b"eXIf", SECRET)),
        png() + SECRET,
        jpeg(more=exif(1)),
        jpeg(more=jpeg_segment(0xE1, b"http://ns.adobe.com/xap/1.0/\x00" + SECRET)),
        jpeg(more=jpeg_segment(0xFE, SECRET) + jpeg_segment(0xED, SECRET)),
        jpeg(behind=SECRET),
        webp(more=webp_chunk(b"EXIF", SECRET)),
        extended_webp(4, 4, 0x1C, more=webp_chunk(b"XMP ", SECRET)),
        webp() + SECRET,
    ],
)
def test_what_is_beside_the_picture_is_left_out(data: bytes) -> None:
    """Places, names and what hangs behind are gone, and what is left is a picture still."""
    kept = read_picture(data).data
    assert SECRET not in kept
    assert kept == read_picture(kept).data


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("orientation", range(2, 9))
def test_a_photograph_stays_turned(orientation: int, order: str) -> None:
    """How it is to be turned is all that is kept of what the camera wrote."""
    kept = read_picture(jpeg(more=exif(orientation, order=order))).data
    assert SECRET not in kept
    assert kept == read_picture(kept).data
    assert kept == jpeg(more=b"").replace(b"\xff\xd8", b"\xff\xd8" + _turned(orientation), 1)


def _turned(orientation: int) -> bytes:
    """Return the segment that says so, by the book (Exif 2.32 section 4.6)."""
    entry = bytes([0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0])
    tiff = b"MM\x00*\x00\x00\x00\x08\x00\x01" + entry + bytes(4)
    return jpeg_segment(0xE1, b"Exif\x00\x00" + tiff)


@pytest.mark.parametrize("orientation", [0, 1, 9, 77])
def test_an_orientation_that_is_none_is_left_out(orientation: int) -> None:
    """Upright is how pictures are shown anyway."""
    assert jpeg() == read_picture(jpeg(more=exif(orientation))).data


def test_flags_say_what_is_there() -> None:
    """A header does not announce what was left out."""
    kept = read_picture(extended_webp(4, 4, 0x3C, more=webp_chunk(b"EXIF", SECRET))).data
    assert 0x10 == kept[20]
