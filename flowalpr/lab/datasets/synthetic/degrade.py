"""What light, weather, lens, sensor and codec do to a picture, each as a function with a strength.

Every effect takes uint8, (height, width, 3), BGR, and gives a new picture of the same shape; `strength` is 0..1,
from hardly seen to as bad as a person can still read on a plate of ordinary size.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Picture = NDArray[np.uint8]
    Effect = Callable[[Picture, float, np.random.Generator], Picture]


def light(image: Picture, strength: float, rng: np.random.Generator) -> Picture:
    """Brightness, contrast and gamma of another exposure."""
    tones = np.linspace(0, 1, 256) ** np.exp(rng.normal(0, 0.6 * strength))
    tones = (tones - 0.5) * rng.uniform(1 - 0.7 * strength, 1.1) + 0.5 + rng.normal(0, 0.15 * strength)
    return _toned(image, tones)


def tint(image: Picture, strength: float, rng: np.random.Generator) -> Picture:
    """The colour of another lamp or white balance."""
    return _clipped(image * (1 + rng.normal(0, 0.15 * strength, 3)))


def shadow(image: Picture, strength: float, rng: np.random.Generator) -> Picture:
    """A shadow with a straight edge over a part of the picture."""
    height, width = image.shape[:2]
    angle = rng.uniform(0, 2 * np.pi)
    across = np.cos(angle) * np.linspace(-1, 1, width)[None] + np.sin(angle) * np.linspace(-1, 1, height)[:, None]
    edge = np.clip((across - rng.uniform(-0.7, 0.7)) * rng.uniform(3, 40) + 0.5, 0, 1)
    return _clipped(image * (1 - (0.3 + 0.5 * strength) * edge)[..., None])


def glare(image: Picture, strength: float, rng: np.random.Generator) -> Picture:
    """A bright spot: sun or a lamp on the plate."""
    height, width = image.shape[:2]
    x, y = rng.uniform(0, width), rng.uniform(0, height)
    across = ((np.arange(width) - x) / (width * rng.uniform(0.1, 0.4))) ** 2
    down = ((np.arange(height) - y) / (height * rng.uniform(0.2, 0.8))) ** 2
    spot = np.exp(-(across[None] + down[:, None]))
    return _clipped(image + (spot * 230 * strength)[..., None])


def night(image: Picture, strength: float, rng: np.random.Generator) -> Picture:
    """Little light, and the noise of a sensor that makes the most of it."""
    gain = rng.uniform(0.15, 0.5) + 0.4 * (1 - strength)
    dark = _toned(image, np.linspace(0, 1, 256) * gain + 0.02)
    return noise(dark, 0.3 + 0.5 * strength, rng)


def infrared(image: Picture, strength: float, rng: np.random.Generator) -> Picture:
    """The grey, steep picture of an infra-red camera: the plate shines, all else is dark."""
    grey = image.max(2) if rng.random() < 0.5 else cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    tones = 1 / (1 + np.exp(-(np.linspace(0, 1, 256) - rng.uniform(0.3, 0.6)) * (4 + 8 * strength)))
    return _toned(np.repeat(np.asarray(grey, dtype=np.uint8)[..., None], 3, 2), tones)


def dirt(image: Picture, strength: float, rng: np.random.Generator) -> Picture:
    """Mud and dust in blots, as on a plate in winter."""
    height, width = image.shape[:2]
    coarse = rng.random((max(2, height // 5), max(2, width // 5))).astype(np.float32)
    blots = np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC))
    cover = np.clip((blots - 1.0 + 0.6 * strength) * 3, 0, 0.9)[..., None]
    mud = np.array([60, 80, 100]) * rng.uniform(0.4, 1.8)
    return _clipped(image * (1 - cover) + mud * cover)


def rain(image: Picture, strength: float, rng: np.random.Generator) -> Picture:
    """Slanted streaks and a loss of contrast."""
    layer = _streaks(image.shape[:2], int(6 + 30 * strength), 0.25, rng)
    return _clipped(image * (1 - 0.2 * strength) + layer[..., None] * (0.35 + 0.3 * strength))


def snow(image: Picture, strength: float, rng: np.random.Generator) -> Picture:
    """White flakes, some large and blurred, and a pale veil."""
    height, width = image.shape[:2]
    layer = np.zeros((height, width), np.uint8)
    for _ in range(int(4 + 25 * strength)):
        spot = (int(rng.uniform(0, width)), int(rng.uniform(0, height)))
        cv2.circle(layer, spot, int(rng.uniform(0.5, 1 + height * 0.05)), int(rng.integers(120, 256)), -1)
    soft = cv2.blur(layer, (2, 2))[..., None]
    return _clipped(image * (1 - 0.25 * strength) + 50 * strength + soft * 0.8)


def fog(image: Picture, strength: float, rng: np.random.Generator) -> Picture:
    """A pale veil that leaves little contrast."""
    share = 0.2 + 0.6 * strength
    return _clipped(image * (1 - share) + rng.uniform(130, 230) * share)


def motion(image: Picture, strength: float, rng: np.random.Generator) -> Picture:
    """The smear of a moving car, mostly along the road."""
    long = 2 + round(strength * max(2.0, image.shape[0] * 0.16))
    kernel = np.zeros((long, long), np.float32)
    angle = rng.normal(0, 0.35) if rng.random() < 0.8 else rng.uniform(0, np.pi)
    reach = np.array([np.cos(angle), np.sin(angle)]) * (long - 1) / 2
    middle = (long - 1) / 2
    start, end = (tuple(round(middle + s * r) for r in reach) for s in (-1, 1))
    cv2.line(kernel, start, end, 1.0)
    return np.asarray(cv2.filter2D(image, -1, kernel / kernel.sum()), dtype=np.uint8)


def defocus(image: Picture, strength: float, rng: np.random.Generator) -> Picture:
    """A lens out of focus."""
    sigma = (0.3 + strength * rng.uniform(0.5, 1.0)) * max(0.8, image.shape[0] / 40)
    return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma), dtype=np.uint8)


def coarse(image: Picture, strength: float, rng: np.random.Generator) -> Picture:
    """Fewer pixels: the same picture from a camera further away, enlarged again."""
    height, width = image.shape[:2]
    share = max(1 - strength * rng.uniform(0.3, 0.8), 9 / height)
    if share >= 1:
        return image
    small = cv2.resize(image, (max(8, int(width * share)), max(8, int(height * share))), interpolation=cv2.INTER_AREA)
    how = (cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_NEAREST)[int(rng.random() * 2.3)]
    return np.asarray(cv2.resize(small, (width, height), interpolation=how), dtype=np.uint8)


def sharpen(image: Picture, strength: float, rng: np.random.Generator) -> Picture:
    """The bright seams that cameras draw along edges."""
    soft = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.7, 1.6))
    return np.asarray(cv2.addWeighted(image, 1 + 1.5 * strength, soft, -1.5 * strength, 0), dtype=np.uint8)


def noise(image: Picture, strength: float, rng: np.random.Generator) -> Picture:
    """The grain of a sensor, in colour or grey."""
    height, width = image.shape[:2]
    channels = 3 if rng.random() < 0.6 else 1
    start = int(rng.integers(0, GRAIN.size - height * width * channels)) if height * width < 200_000 else -1
    grain = (
        GRAIN[start : start + height * width * channels].reshape(height, width, channels)
        if start >= 0
        else rng.standard_normal((height, width, channels), np.float32)
    )
    return _clipped(image + grain * (2 + 22 * strength))


def jpeg(image: Picture, strength: float, rng: np.random.Generator) -> Picture:
    """The blocks of a codec at a low rate."""
    quality = int(85 - 68 * strength * rng.uniform(0.7, 1.0))
    _, packed = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR), dtype=np.uint8)


GRAIN = np.random.default_rng(7).standard_normal(1_500_000).astype(np.float32)
"""Noise made once: drawing it anew cost more than all other effects together."""

COURSE: tuple[Effect, ...] = (
    light, tint, dirt, shadow, glare, rain, snow, fog, night, infrared, motion, defocus, coarse, sharpen, noise, jpeg,
)  # fmt: skip
EFFECTS: dict[str, Effect] = {effect.__name__: effect for effect in COURSE}
"""All effects by name, in the order in which the world applies them: light and weather, lens, sensor, codec."""

CHANCES = {
    "light": 0.7, "tint": 0.2, "dirt": 0.06, "shadow": 0.15, "glare": 0.05, "rain": 0.02, "snow": 0.02, "fog": 0.04,
    "night": 0.06, "infrared": 0.03, "motion": 0.2, "defocus": 0.4, "coarse": 0.3, "sharpen": 0.15,
    "noise": 0.4, "jpeg": 0.35,
}  # fmt: skip
"""How often each effect strikes in training; set by eye on contact sheets beside real crops."""


def degrade(image: Picture, rng: np.random.Generator, most: float = 0.85) -> Picture:
    """The picture after a random course of effects, none stronger than `most` (0..1); mild ones are more frequent."""
    for name, effect in EFFECTS.items():
        if rng.random() < CHANCES[name]:
            image = effect(image, most * float(rng.random()) ** 2, rng)
    return image


def _streaks(shape: tuple[int, ...], count: int, slope: float, rng: np.random.Generator) -> Picture:
    """Bright slanted lines: uint8, of the given shape."""
    layer = np.zeros(shape, np.uint8)
    height, width = shape
    lean = rng.normal(0, slope)
    for _ in range(count):
        x, y, long = rng.uniform(0, width), rng.uniform(-height * 0.2, height), height * rng.uniform(0.1, 0.5)
        end = (int(x + lean * long), int(y + long))
        cv2.line(layer, (int(x), int(y)), end, int(rng.integers(80, 256)), 1, cv2.LINE_AA)
    return layer


def _toned(image: Picture, tones: NDArray[np.float64]) -> Picture:
    """Each value replaced by that of a curve: float, (256,), 0..1."""
    table = np.clip(tones * 255, 0, 255).astype(np.uint8)
    return np.asarray(cv2.LUT(image, table), dtype=np.uint8)


def _clipped(values: NDArray[np.floating]) -> Picture:
    return np.asarray(np.clip(values, 0, 255), dtype=np.uint8)
