"""Parts of a data set that share nothing: no plate text, and no picture that nearly equals another.

Two photographs of one car, or two frames of one drive, in training and in validation make a bad model look good.
So pictures are first tied into groups, and whole groups are dealt out.
"""

from __future__ import annotations

import hashlib
import warnings
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from flowalpr.lab.datasets.sample import Dataset, Sample

Hashes = npt.NDArray[np.uint8]
"""One row a picture: 256 bits, each whether a cell of a 16 x 17 grey picture is darker than its right neighbour."""

NEAR = 40
"""Bits of 256 in which two pictures may differ and still be one scene. Among 2,044 photographs of cars from the web,
all pairs within 20 bits showed the same plate and no pair lay between 20 and 50."""
CHUNK = 512


def fingerprint(picture: Path) -> npt.NDArray[np.uint8]:
    """256 bits, uint8 (32,), that hardly change when a picture is scaled or compressed again (a difference hash).

    Raises:
        OSError: the picture cannot be read, or has far too many pixels.
    """
    from PIL import Image, ImageOps

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # Up to twice the limit it is read.
            with Image.open(picture) as image:
                image.draft("L", (64, 64))
                grey = ImageOps.exif_transpose(image).convert("L")
                small = np.asarray(grey.resize((17, 16), Image.Resampling.BOX))
    except Image.DecompressionBombError as error:
        raise OSError(f"{picture} has far too many pixels") from error
    return np.packbits(small[:, :-1] < small[:, 1:])


def near_pairs(hashes: Hashes, near: int = NEAR) -> Iterator[tuple[int, int]]:
    """All pairs of pictures whose fingerprints, uint8 (n, 32), differ in at most `near` bits; first < second."""
    for start in range(0, len(hashes), CHUNK):
        rows = hashes[start : start + CHUNK]
        differing = np.unpackbits(rows[:, None] ^ hashes[None, start:], axis=2).sum(axis=2, dtype=np.uint16)
        for first, second in np.argwhere(differing <= near):
            if first < second:
                yield start + int(first), start + int(second)


def groups(samples: Sequence[Sample], hashes: Hashes) -> list[list[int]]:
    """Indexes of the samples, those tied by a text or by near-equal pictures together."""
    import networkx as nx

    ties: nx.Graph[int] = nx.Graph()
    ties.add_nodes_from(range(len(samples)))
    first_with: dict[str, int] = {}
    for index, sample in enumerate(samples):
        for plate in sample.plates:
            if plate.text:
                ties.add_edge(first_with.setdefault(plate.text, index), index)
    ties.add_edges_from(near_pairs(hashes))
    return [sorted(group) for group in nx.connected_components(ties)]


def split(dataset: Dataset, hashes: Hashes, shares: Mapping[str, float], seed: int) -> dict[str, list[Sample]]:
    """The samples of each part; `shares` are the wanted parts of the pictures and add up to 1.

    Groups are dealt from the largest on, each to the part that lacks most, those of equal size in an order that
    depends on the seed and the names of their pictures alone: the same data and seed give the same parts.
    """
    tied = groups(dataset.samples, hashes)
    order = sorted(tied, key=lambda group: (-len(group), _chance(dataset.samples[group[0]].file, seed)))
    missing = {name: share * len(dataset) for name, share in shares.items()}
    parts: dict[str, list[int]] = defaultdict(list)
    for group in order:
        name = max(missing, key=lambda each: missing[each])
        parts[name] += group
        missing[name] -= len(group)
    return {name: [dataset.samples[index] for index in sorted(parts[name])] for name in shares}


def shared(first: Dataset, second: Dataset, hashes: tuple[Hashes, Hashes]) -> Iterator[tuple[Sample, Sample, str]]:
    """Every two samples of two data sets that should not be in both, and what they share."""
    by_text: dict[str, Sample] = {}
    for sample in second:
        by_text.update({plate.text: sample for plate in sample.plates if plate.text})
    for sample in first:
        for other in {id(by_text[p.text]): by_text[p.text] for p in sample.plates if p.text in by_text}.values():
            yield sample, other, "a plate text"
    for one, two in near_pairs(np.concatenate(hashes)):
        if one < len(first) <= two:
            yield first.samples[one], second.samples[two - len(first)], "nearly the same picture"


def _chance(name: str, seed: int) -> bytes:
    return hashlib.sha256(f"{seed}/{name}".encode()).digest()
