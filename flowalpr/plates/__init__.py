"""What a plate is: its characters, the formats of countries, and how near two texts are. Standard library only."""

from flowalpr.plates.alphabet import alike, normal
from flowalpr.plates.formats import SHORTEST, Change, Formats, Repaired, add_folder, countries, load
from flowalpr.plates.fusing import Fused, Fusion
from flowalpr.plates.matching import align, distance
from flowalpr.plates.nearby import Near, Nearby
from flowalpr.plates.packs import Format, Pack, PackError, read_pack

__all__ = [
    "SHORTEST",
    "Change",
    "Format",
    "Formats",
    "Fused",
    "Fusion",
    "Near",
    "Nearby",
    "Pack",
    "PackError",
    "Repaired",
    "add_folder",
    "align",
    "alike",
    "countries",
    "distance",
    "load",
    "normal",
    "read_pack",
]
