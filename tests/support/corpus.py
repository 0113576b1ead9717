"""Small picture files of every mode, depth, profile, orientation and kind of damage."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image, PngImagePlugin, features

from .pictures import encoded
from .profiles import ADOBE_RGB, DISPLAY_P3, grey_profile, matrix_profile

WIDTH, HEIGHT = 48, 32
EXACT, COLOURS, LOSSY = 1, 4, 16
"""How far, of 255, a sample may lie from what is expected: rounded, converted, compressed."""


class File(NamedTuple):
    """A picture file; ``pixels`` on white as they are to be read, None where it is refused."""

    name: str
    format: str
    data: bytes
    pixels: npt.NDArray[np.uint8] | None
    within: int = EXACT


def distance(file: File, pixels: npt.NDArray[np.uint8], within: int | None = None) -> int:
    """How far pixels are from those expected; of lossy formats, amid each of the four quarters.

    At their edges half the colours are mixed with their neighbours'.
    """
    assert file.pixels is not None
    assert file.pixels.shape == pixels.shape
    difference = np.abs(file.pixels.astype(int) - pixels.astype(int))
    height, width = pixels.shape[:2]
    if (within or file.within) >= LOSSY:
        difference = difference[height // 4 :: height // 2, width // 4 :: width // 2]
    return int(difference.max())


def scene() -> npt.NDArray[np.uint8]:
    """Four quarters of different colours: no way of turning it gives it back."""
    pixels = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    pixels[: HEIGHT // 2, : WIDTH // 2] = (204, 51, 34)
    pixels[: HEIGHT // 2, WIDTH // 2 :] = (51, 187, 68)
    pixels[HEIGHT // 2 :, : WIDTH // 2] = (34, 51, 204)
    pixels[HEIGHT // 2 :, WIDTH // 2 :] = (238, 187, 170)
    return pixels


SCENE = scene()
RGB = Image.fromarray(SCENE)
GREY = RGB.convert("L")
GREYS = np.asarray(GREY.convert("RGB"))


def save(picture: Image.Image, format: str, **options: Any) -> bytes:
    return encoded(lambda file: picture.save(file, format, **options))


def chunk(kind: bytes, body: bytes) -> bytes:
    """A chunk of a PNG file."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(*more: bytes, behind: bytes = b"") -> bytes:
    """The scene as PNG, with ``more`` chunks before its pixels, and others ``behind`` them."""
    plain = save(RGB, "PNG")
    return plain[:33] + b"".join(more) + plain[33:-12] + behind + plain[-12:]


def raw_png(values: npt.NDArray[Any], colours: int, depth: int, *more: bytes) -> bytes:
    """A PNG of samples packed by hand: one row of bytes each, of any depth."""
    height, width = values.shape[:2]
    if depth == 16:
        rows = [row.astype(">u2").tobytes() for row in values]
    elif depth == 8:
        rows = [row.astype(np.uint8).tobytes() for row in values]
    else:
        bits = (values[:, :, None] >> np.arange(depth)[::-1]) & 1
        rows = [np.packbits(row.reshape(-1).astype(np.uint8)).tobytes() for row in bits]
    header = struct.pack(">IIBBBBB", width, height, depth, colours, 0, 0, 0)
    data = zlib.compress(b"".join(b"\0" + row for row in rows))
    chunks = [chunk(b"IHDR", header), *more, chunk(b"IDAT", data), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def segment(marker: int, body: bytes) -> bytes:
    """A segment of a JPEG file."""
    return struct.pack(">HH", 0xFF00 | marker, len(body) + 2) + body


def jpeg(*more: bytes) -> bytes:
    """The scene as JPEG, with ``more`` segments at its beginning."""
    plain = save(RGB, "JPEG", quality=95, subsampling=0)
    return plain[:20] + b"".join(more) + plain[20:]


def riff(*chunks: tuple[bytes, bytes]) -> bytes:
    """The scene as WebP in the extended format, with more chunks behind its pixels."""
    plain = save(RGB, "WEBP", lossless=True)
    flags = {b"EXIF": 0x08, b"XMP ": 0x04, b"ICCP": 0x20}
    sizes = (WIDTH - 1).to_bytes(3, "little") + (HEIGHT - 1).to_bytes(3, "little")
    header = bytes([sum(flags.get(name, 0) for name, _ in chunks), 0, 0, 0]) + sizes
    before = [entry for entry in chunks if entry[0] == b"ICCP"]
    behind = [entry for entry in chunks if entry[0] != b"ICCP"]

    def spell(name: bytes, body: bytes) -> bytes:
        return struct.pack("<4sI", name, len(body)) + body + b"\0" * (len(body) % 2)

    inner = b"WEBP" + spell(b"VP8X", header) + b"".join(spell(*entry) for entry in before)
    inner += plain[12:] + b"".join(spell(*entry) for entry in behind)
    return struct.pack("<4sI", b"RIFF", len(inner)) + inner


def exif(orientation: int = 1) -> bytes:
    """Exif that says how a picture is turned."""
    entries = Image.Exif()
    entries[0x010E] = "by hand"
    entries[0x0112] = orientation
    return entries.tobytes()


def damaged_exif(orientation: int) -> bytes:
    """Exif whose first entry lies far outside, but whose orientation can be read."""
    entries = struct.pack("<HHII", 0x010E, 2, 900, 9_000_000)
    entries += struct.pack("<HHIHH", 0x0112, 3, 1, orientation, 0)
    entries += struct.pack("<HHII", 0x8769, 4, 1, 99_999_999)
    return b"Exif\0\0II*\0\x08\0\0\0" + struct.pack("<H", 3) + entries + b"\xff\xff\xff\xff"


GARBAGE = b"Exif\0\0XX*\0\xff\xff\xff\xff" + b"\xff" * 30
TURNS = {
    1: SCENE,
    2: SCENE[:, ::-1],
    3: SCENE[::-1, ::-1],
    4: SCENE[::-1],
    5: SCENE.transpose(1, 0, 2),
    6: np.rot90(SCENE, -1),
    7: SCENE[::-1, ::-1].transpose(1, 0, 2),
    8: np.rot90(SCENE),
}


def on_white(opacity: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    share = opacity[:, :, None] / 255
    return (SCENE * share + 255 * (1 - share)).round().astype(np.uint8)


def half() -> npt.NDArray[np.uint8]:
    """Opacity: nothing of the left half."""
    opacity = np.full((HEIGHT, WIDTH), 255, np.uint8)
    opacity[:, : WIDTH // 2] = 0
    return opacity


def modes() -> Iterator[File]:
    """Every mode and depth of every format."""
    layer = RGB.copy()
    layer.putalpha(Image.fromarray(half()))
    few = RGB.quantize(8)
    grey_layer = GREY.copy()
    grey_layer.putalpha(Image.fromarray(half()))
    bright = np.asarray(GREY) > 100
    bits = np.repeat((bright * 255).astype(np.uint8)[:, :, None], 3, axis=2)
    left_white = np.where(half()[:, :, None] == 0, 255, GREYS).astype(np.uint8)
    yield File("png-1", "PNG", save(Image.fromarray(bright), "PNG"), bits)
    yield File("png-l", "PNG", save(GREY, "PNG"), GREYS)
    yield File("png-la", "PNG", save(grey_layer, "PNG"), left_white)
    yield File("png-p", "PNG", save(few, "PNG"), SCENE)
    yield File("png-rgb", "PNG", save(RGB, "PNG"), SCENE)
    yield File("png-rgba", "PNG", save(layer, "PNG"), on_white(half()))
    yield File("png-p-transparent", "PNG", save(layer.quantize(8), "PNG"), on_white(half()))
    deep = SCENE.astype(np.uint16) * 257
    yield File("png-rgb-16", "PNG", raw_png(deep, 2, 16), SCENE)
    yield File("png-l-16", "PNG", raw_png(np.asarray(GREY).astype(np.uint16) * 257, 0, 16), GREYS)
    yield from keys()
    for name, picture, pixels in (("l", GREY, GREYS), ("rgb", RGB, SCENE)):
        for progressive in (False, True):
            data = save(picture, "JPEG", quality=95, progressive=progressive)
            yield File(f"jpeg-{name}-{progressive}", "JPEG", data, pixels, LOSSY)
    cmyk = RGB.convert("CMYK")
    yield File("jpeg-cmyk", "JPEG", save(cmyk, "JPEG", quality=95), SCENE, LOSSY)
    yield File("webp-lossless", "WEBP", save(RGB, "WEBP", lossless=True), SCENE)
    yield File("webp-lossy", "WEBP", save(RGB, "WEBP", quality=95), SCENE, LOSSY)
    yield File("webp-rgba", "WEBP", save(layer, "WEBP", lossless=True), on_white(half()))
    yield File("gif", "GIF", save(few, "GIF"), SCENE)
    yield File("gif-transparent", "GIF", save(layer, "GIF"), on_white(half()))
    yield File("bmp", "BMP", save(RGB, "BMP"), SCENE)
    yield File("bmp-p", "BMP", save(few, "BMP"), SCENE)
    yield File("ppm", "PPM", save(RGB, "PPM"), SCENE)
    for compression in ("raw", "tiff_lzw", "tiff_adobe_deflate"):
        data = save(RGB, "TIFF", compression=compression)
        yield File(f"tiff-{compression}", "TIFF", data, SCENE)
    yield File("tiff-cmyk", "TIFF", save(cmyk, "TIFF"), SCENE)
    yield File("tiff-rgba", "TIFF", save(layer, "TIFF"), on_white(half()))
    floats = Image.fromarray(np.asarray(GREY) / np.float32(255))
    yield File("tiff-float", "TIFF", save(floats, "TIFF"), GREYS)
    yield File("tiff-lab", "TIFF", save(_lab(), "TIFF"), SCENE, 12)
    if features.check("avif"):
        yield File("avif", "AVIF", save(RGB, "AVIF", quality=95, subsampling="4:4:4"), SCENE, LOSSY)


def _lab() -> Image.Image:
    from PIL import ImageCms

    lab, srgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
    converted = ImageCms.profileToProfile(RGB, srgb, lab, outputMode="LAB")
    assert converted is not None
    converted.info = {}
    return converted


def keys() -> Iterator[File]:
    """Colours that PNG files say are transparent, at every depth."""
    for depth in (1, 2, 4, 8, 16):
        greys = np.asarray(GREY).astype(np.uint32) * (2**depth - 1) // 255
        key = int(greys[0, 0])
        shown = (greys * 255 / (2**depth - 1)).round().astype(np.uint8)
        shown[greys == key] = 255
        pixels = np.repeat(shown[:, :, None], 3, axis=2)
        data = raw_png(greys, 0, depth, chunk(b"tRNS", struct.pack(">H", key)))
        yield File(f"png-l-{depth}-key", "PNG", data, pixels)
    for depth, times in ((8, 1), (16, 257)):
        deep = SCENE.astype(np.uint32) * times
        deep += np.uint32(3 if depth == 16 else 0)  # so that the two bytes differ
        deep = np.minimum(deep, 65535)
        key_colour = struct.pack(">3H", *(int(value) for value in deep[0, 0]))
        pixels = SCENE.copy()
        pixels[(SCENE[0, 0] == SCENE).all(axis=2)] = 255
        data = raw_png(deep, 2, depth, chunk(b"tRNS", key_colour))
        yield File(f"png-rgb-{depth}-key", "PNG", data, pixels)


def orientations() -> Iterator[File]:
    """Every orientation of every format that has them; the last where the rest is damaged."""
    for turn, pixels in TURNS.items():
        yield File(f"png-turned-{turn}", "PNG", png(chunk(b"eXIf", exif(turn)[6:])), pixels)
        yield File(f"jpeg-turned-{turn}", "JPEG", jpeg(segment(0xE1, exif(turn))), pixels, LOSSY)
        yield File(f"webp-turned-{turn}", "WEBP", riff((b"EXIF", exif(turn)[6:])), pixels)
        tags = Image.Exif()
        tags[0x0112] = turn
        yield File(f"tiff-turned-{turn}", "TIFF", save(RGB, "TIFF", exif=tags), pixels)
        if features.check("avif"):
            data = save(RGB, "AVIF", quality=95, subsampling="4:4:4", exif=tags)
            yield File(f"avif-turned-{turn}", "AVIF", data, pixels, LOSSY)
    packet = b'<x:xmpmeta><rdf:Description tiff:Orientation="6"/>'
    named = b"http://ns.adobe.com/xap/1.0/\0"
    text = b"XML:com.adobe.xmp\0\0\0\0\0" + packet
    upright = TURNS[6]
    yield File("png-turned-xmp", "PNG", png(chunk(b"iTXt", text)), upright)
    yield File("png-turned-behind", "PNG", png(behind=chunk(b"eXIf", exif(6)[6:])), upright)
    yield File("jpeg-turned-xmp", "JPEG", jpeg(segment(0xE1, named + packet)), upright, LOSSY)
    yield File("webp-turned-xmp", "WEBP", riff((b"XMP ", packet)), upright)
    half_read = damaged_exif(6)
    yield File("png-half-exif", "PNG", png(chunk(b"eXIf", half_read[6:])), upright)
    yield File("jpeg-half-exif", "JPEG", jpeg(segment(0xE1, half_read)), upright, LOSSY)
    yield File("webp-half-exif", "WEBP", riff((b"EXIF", half_read[6:])), upright)


def profiles() -> Iterator[File]:
    """Profiles that change colours, and some that cannot be read."""
    for name, columns in (("p3", DISPLAY_P3), ("adobe", ADOBE_RGB)):
        profile = matrix_profile(columns)
        pixels = seen(RGB, profile)
        yield File(f"png-{name}", "PNG", save(RGB, "PNG", icc_profile=profile), pixels, COLOURS)
        data = save(RGB, "JPEG", icc_profile=profile, quality=95, subsampling=0)
        yield File(f"jpeg-{name}", "JPEG", data, pixels, LOSSY)
        data = save(RGB, "WEBP", icc_profile=profile, lossless=True)
        yield File(f"webp-{name}", "WEBP", data, pixels, COLOURS)
        yield File(f"tiff-{name}", "TIFF", save(RGB, "TIFF", icc_profile=profile), pixels, COLOURS)
    dark = grey_profile(1.0)
    yield File(
        "png-l-profile", "PNG", save(GREY, "PNG", icc_profile=dark), seen(GREY, dark), COLOURS
    )
    deep = Image.fromarray(np.asarray(GREY).astype(np.uint16) * 257)
    data = save(deep, "PNG", icc_profile=dark)
    yield File("png-l-16-profile", "PNG", data, seen(GREY, dark), COLOURS)
    layer = RGB.copy()
    layer.putalpha(Image.fromarray(half()))
    wide = matrix_profile(DISPLAY_P3)
    pixels = np.where(half()[:, :, None] == 0, 255, seen(RGB, wide)).astype(np.uint8)
    yield File("png-rgba-p3", "PNG", save(layer, "PNG", icc_profile=wide), pixels, COLOURS)
    few = save(RGB.quantize(8), "PNG", icc_profile=wide)
    yield File("png-p-p3", "PNG", few, seen(RGB, wide), COLOURS)
    # A profile of other colours than the picture's, one that is cut off, one that is none.
    for name, profile in (("grey", dark), ("short", wide[:200]), ("none", b"not a profile")):
        yield File(f"png-bad-profile-{name}", "PNG", save(RGB, "PNG", icc_profile=profile), SCENE)
        data = save(RGB, "JPEG", icc_profile=profile, quality=95, subsampling=0)
        yield File(f"jpeg-bad-profile-{name}", "JPEG", data, SCENE, LOSSY)
        data = save(RGB, "WEBP", icc_profile=profile, lossless=True)
        yield File(f"webp-bad-profile-{name}", "WEBP", data, SCENE)
        yield File(
            f"tiff-bad-profile-{name}", "TIFF", save(RGB, "TIFF", icc_profile=profile), SCENE
        )


def seen(picture: Image.Image, profile: bytes) -> npt.NDArray[np.uint8]:
    """What every viewer shows."""
    from io import BytesIO

    from PIL import ImageCms

    source, target = ImageCms.ImageCmsProfile(BytesIO(profile)), ImageCms.createProfile("sRGB")
    return np.array(ImageCms.profileToProfile(picture, source, target, outputMode="RGB"))


def damaged_metadata() -> Iterator[File]:
    """Whole pictures with something in their files that decoders stumble over."""
    long = zlib.compress(b"x" * 3_000_000)
    wrong = chunk(b"tEXt", b"Comment\0by hand")
    wrong = wrong[:-1] + bytes([wrong[-1] ^ 1])
    wrong_profile = chunk(b"iCCP", b"p\0\0" + zlib.compress(matrix_profile(DISPLAY_P3)))
    wrong_profile = wrong_profile[:-1] + bytes([wrong_profile[-1] ^ 1])
    for name, data in {
        "exif": png(chunk(b"eXIf", GARBAGE)),
        "exif-empty": png(chunk(b"eXIf", b"")),
        "long-text": png(chunk(b"zTXt", b"k\0\0" + long)),
        "long-text-behind": png(behind=chunk(b"zTXt", b"k\0\0" + long)),
        "long-xmp": png(chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + long)),
        "long-profile": png(chunk(b"iCCP", b"p\0\0" + long)),
        "text-method": png(chunk(b"zTXt", b"k\0\7" + long)),
        "profile-method": png(chunk(b"iCCP", b"p\0\7xx")),
        "profile-nothing": png(chunk(b"iCCP", b"p")),
        "profile-checksum": png(wrong_profile),
        "checksum": png(wrong),
        "checksum-behind": png(behind=wrong),
        "short-gamma": png(chunk(b"gAMA", b"\0")),
        "short-white": png(chunk(b"cHRM", b"\0")),
        "short-size": png(chunk(b"pHYs", b"\0")),
        "short-key": png(chunk(b"tRNS", b"\0")),
        "short-animation": png(chunk(b"acTL", b"\0"), chunk(b"fcTL", b"\0")),
        "raw-exif": png(chunk(b"tEXt", b"Raw profile type exif\0\nexif\n 9\nzzzz")),
        "cut-text-behind": png(behind=chunk(b"tEXt", b"k\0" + b"x" * 90))[:-40],
        "keyword": png(chunk(b"tEXt", b"\xff" * 200)),
    }.items():
        yield File(f"png-{name}", "PNG", data, SCENE)
    adobe = b"http://ns.adobe.com/xap/1.0/\0"
    for name, data in {
        "exif": jpeg(segment(0xE1, GARBAGE)),
        "exif-empty": jpeg(segment(0xE1, b"Exif\0\0")),
        "exif-twice": jpeg(segment(0xE1, GARBAGE), segment(0xE1, GARBAGE)),
        "xmp": jpeg(segment(0xE1, adobe + b"\xff<tiff:Orientation>9")),
        "profile-parts": jpeg(segment(0xE2, b"ICC_PROFILE\0\1\7" + b"x" * 40)),
        "profile-short": jpeg(segment(0xE2, b"ICC_PROFILE\0")),
        "mpf": jpeg(segment(0xE2, b"MPF\0II*\0\xff\xff\xff\xff")),
        "photoshop": jpeg(segment(0xED, b"Photoshop 3.0\x008BIM\x04\x04")),
        "adobe-short": jpeg(segment(0xEE, b"Adobe")),
        "jfif-short": jpeg(segment(0xE0, b"JFIF")),
        "comment": jpeg(segment(0xFE, b"\xff" * 400)),
    }.items():
        yield File(f"jpeg-{name}", "JPEG", data, SCENE, LOSSY)
    for name, data in {
        "exif": riff((b"EXIF", GARBAGE)),
        "exif-empty": riff((b"EXIF", b"")),
        "xmp": riff((b"XMP ", b"\xff<tiff:Orientation>9")),
        "profile": riff((b"ICCP", b"\xff" * 9)),
        "unknown": riff((b"odd!", b"abc"), (b"EXIF", b"x")),
    }.items():
        yield File(f"webp-{name}", "WEBP", data, SCENE)
    tiff = save(RGB, "TIFF", tiffinfo={315: "by hand" * 9})
    entry = tiff.index(struct.pack("<HH", 315, 2))
    lost = tiff[: entry + 8] + struct.pack("<I", 99_999_999) + tiff[entry + 12 :]
    yield File("tiff-lost-text", "TIFF", lost, SCENE)
    astray = save(RGB, "TIFF", tiffinfo={34665: 7})
    entry = astray.index(struct.pack("<H", 34665))
    astray = astray[: entry + 8] + struct.pack("<I", 99_999_999) + astray[entry + 12 :]
    yield File("tiff-lost-exif", "TIFF", astray, SCENE)
    if features.check("avif"):
        whole = save(RGB, "AVIF", quality=95, subsampling="4:4:4", exif=exif(1))
        data = whole.replace(exif(1)[6:14], b"XXXXXXXX")
        yield File("avif-exif", "AVIF", data, SCENE, LOSSY)


def large_texts() -> Iterator[File]:
    """Texts of Pillow's own writing at and above its limits for reading."""
    for count in (2**20, 2**20 + 1):
        info = PngImagePlugin.PngInfo()
        info.add_text("workflow", "x" * count, zip=True)
        yield File(f"png-text-{count}", "PNG", save(RGB, "PNG", pnginfo=info), SCENE)


def damaged_pixels() -> Iterator[File]:
    """Files of which no picture can be made."""
    for format, options in (("PNG", {}), ("JPEG", {}), ("WEBP", {"lossless": True}), ("TIFF", {}),
                            ("BMP", {}), ("PPM", {})):  # fmt: skip
        noise = np.random.default_rng(0).integers(0, 256, (48, 48, 3)).astype(np.uint8)
        whole = save(Image.fromarray(noise), format, **options)
        yield File(f"{format.lower()}-half", format, whole[: len(whole) // 2], None)
        yield File(f"{format.lower()}-head", format, whole[:9], None)
    yield File("empty", "none", b"", None)
    yield File("text", "none", b"hello, I am no picture at all", None)
    yield File("svg", "none", b"<svg xmlns='http://www.w3.org/2000/svg'/>", None)
    yield File("eps", "none", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", None)


def files() -> list[File]:
    """The whole corpus."""
    return [
        *modes(), *orientations(), *profiles(), *damaged_metadata(), *large_texts(),
        *damaged_pixels(),
    ]  # fmt: skip
