"""Arithmetic of colours: bytes to floats in [0, 1], tone, hue, blur, and back to bytes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]

LUMA = np.array([0.299, 0.587, 0.114], np.float32)
"""The weights of red, green and blue in brightness (ITU-R BT.601)."""


def floats(pixels: Pixels) -> Floats:
    """Scale bytes to [0, 1]."""
    return pixels.astype(np.float32) / np.float32(255)


def rounded(values: Floats) -> Pixels:
    """Scale [0, 1] to the nearest bytes; what lies outside is cut off."""
    return to_bytes(values * 255)


def to_bytes(values: Floats) -> Pixels:
    """Round to the nearest bytes; what lies outside is cut off."""
    return np.rint(np.clip(values, 0, 255)).astype(np.uint8)


def toned(values: Floats, brightness: float, contrast: float, saturation: float) -> Floats:
    """Multiply the brightness, then the distance to middle grey, then the distance to grey."""
    values = np.clip(values * np.float32(brightness), 0, 1)
    if contrast != 1:
        values = np.clip((values - np.float32(0.5)) * np.float32(contrast) + np.float32(0.5), 0, 1)
    if saturation != 1:
        grey = (values @ LUMA)[..., None]
        values = np.clip(grey + (values - grey) * np.float32(saturation), 0, 1)
    return values


def turned(values: Floats, degrees: float) -> Floats:
    """Turn the hue of (H, W, 3) colours in the HSV hexagon; brightness and chroma stay."""
    if degrees % 360 == 0:
        return values
    high, low = values.max(axis=2), values.min(axis=2)
    chroma = high - low
    sixths = (_hue(values, high, chroma) + np.float32(degrees / 60)) % 6
    channels = []
    # f(n) = V - V S max(0, min(k, 4 - k, 1)) with k = (n + H / 60) mod 6; V S is the chroma.
    for offset in (5, 3, 1):  # red, green, blue
        far = (sixths + offset) % 6
        channels.append(high - chroma * np.clip(np.minimum(far, 4 - far), 0, 1))
    return np.stack(channels, axis=2)


def _hue(values: Floats, high: Floats, chroma: Floats) -> Floats:
    """The hue in sixths of a turn from red, [0, 6); of greys, anything."""
    red, green, blue = np.moveaxis(values, 2, 0)
    safe = np.where(chroma > 0, chroma, np.float32(1))
    return np.select(
        [high == red, high == green],
        [(green - blue) / safe % 6, (blue - red) / safe + 2],
        (red - green) / safe + 4,
    )


def grey(pixels: Pixels, channel: str) -> Pixels:
    """(H, W) bytes of one channel; luminance weighs all three."""
    if channel in ("red", "green", "blue"):
        return pixels[..., ("red", "green", "blue").index(channel)]
    values = floats(pixels)
    if channel == "luminance":
        return rounded(values @ LUMA)
    high, low = values.max(axis=2), values.min(axis=2)
    return rounded(high if channel == "value" else (high - low) / np.maximum(high, 1 / 255))


def blurred(pixels: Pixels, radius: float) -> Floats:
    """Blur by a Gaussian whose standard deviation is ``radius``; the border goes on outside.

    Returns:
        Values in [0, 255]: OpenCV's own bytes would be off by one here and there.
    """
    import cv2

    values = pixels.astype(np.float32)
    blurred: Floats = cv2.GaussianBlur(values, (0, 0), radius, borderType=cv2.BORDER_REPLICATE)
    return blurred


def sharpened(pixels: Pixels, radius: float, amount: float, threshold: int) -> Floats:
    """Enlarge the differences to the blurred picture (an unsharp mask); values about [0, 255]."""
    difference = pixels - blurred(pixels, radius)
    difference[np.abs(difference) < threshold] = 0
    return pixels + difference * np.float32(amount)


def split_level(grey_pixels: Pixels) -> int:
    """The level that best parts dark from bright (N. Otsu 1979); the bright begin at it."""
    counts = np.bincount(grey_pixels.ravel(), minlength=256).astype(np.float64)
    below = np.cumsum(counts)[:-1]
    above = counts.sum() - below
    sums = np.cumsum(counts * np.arange(256))
    with np.errstate(invalid="ignore", divide="ignore"):
        # Otsu: the split with the largest variance between classes, n0 n1 (mean0 - mean1)².
        apart = sums[:-1] / below - (sums[-1] - sums[:-1]) / above
    return int(np.nan_to_num(below * above * apart**2).argmax()) + 1
