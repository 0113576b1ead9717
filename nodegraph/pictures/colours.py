"""Colours as their profile means them, converted to sRGB by LittleCMS, perceptually."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image

_MODES = {"RGB": ("RGB", "RGBA"), "GRAY": ("L", "LA"), "CMYK": ("CMYK",)}
_ALIKE = 2
"""Of 255: a profile whose colours are nowhere further from sRGB's is another spelling of sRGB."""


def in_srgb(picture: Image, profile: bytes | None) -> Image:
    """The picture in sRGB; as it is where its profile is damaged, or one of other colours.

    Args:
        picture: In mode L, LA, RGB, RGBA or CMYK; its opacity is kept.
    """
    try:
        return _converted(picture, profile) if profile else picture
    except Exception:  # LittleCMS and Pillow raise whatever they like on a damaged profile
        return picture


def _converted(picture: Image, profile: bytes) -> Image:
    from PIL import ImageCms

    source = ImageCms.ImageCmsProfile(BytesIO(profile))
    space = source.profile.xcolor_space.strip()
    if picture.mode not in _MODES.get(space, ()):
        return picture
    mode = {"LA": "L", "RGBA": "RGB"}.get(picture.mode, picture.mode)
    transform = ImageCms.buildTransform(
        source, ImageCms.createProfile("sRGB"), mode, "RGB", ImageCms.Intent.PERCEPTUAL
    )
    if mode != "CMYK":
        colours = _samples(mode)
        # Else half of all photographs, which name sRGB, would change by one here and there.
        if _distance(colours.convert("RGB"), transform.apply(colours)) <= _ALIKE:
            return picture
    opacity = picture.getchannel("A") if picture.mode.endswith("A") else None
    plain = picture if opacity is None else _without_alpha(picture, mode)
    converted: Image = transform.apply(plain)
    if opacity is not None:
        converted.putalpha(opacity)
    return converted


def _without_alpha(picture: Image, mode: str) -> Image:
    """The colours as they are under the transparency, not laid on anything."""
    from PIL import Image

    return Image.merge(mode, picture.split()[:-1])


def _samples(mode: str) -> Image:
    """All greys, or sixteen steps of each colour with every other."""
    from PIL import Image

    greys = bytes(range(256))
    if mode == "L":
        return Image.frombytes("L", (256, 1), greys)
    steps = greys[::17]
    colours = bytes(value for r in steps for g in steps for b in steps for value in (r, g, b))
    return Image.frombytes("RGB", (64, 64), colours)


def _distance(one: Image, other: Image) -> int:
    """The largest difference of any sample."""
    from PIL import ImageChops

    channels = ImageChops.difference(one, other).split()
    return max(place for channel in channels for place, n in enumerate(channel.histogram()) if n)
