"""The node `format`: texts are held against the plate formats of countries, and look-alikes put right."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Literal

from pydantic import PrivateAttr, model_validator

from flowalpr import Node, PlateRead, SetupError
from flowalpr.plates import Formats, PackError, countries, load


class FormatNode(Node):
    """The settings of nodes that know plate formats."""

    countries: tuple[str, ...] = ()
    """ISO codes of the wanted countries (`[GB, IE]`), the preferred first; empty for all that have a pack."""
    extra: Path | None = None
    """A folder with country packs of your own, read beside those in the box; a pack of the same code replaces one."""
    _formats: Formats = PrivateAttr()

    @model_validator(mode="after")
    def _countries_are_known(self) -> FormatNode:
        known = countries(self.extra)
        unknown = [code for code in self.countries if code not in known]
        if unknown:
            raise ValueError(f"no country pack for {', '.join(unknown)}; there are {', '.join(known)}")
        return self

    def open(self) -> None:
        try:
            self._formats = load(self.countries, self.extra)
        except PackError as error:
            raise SetupError(str(error), "flowalpr/plates/packs.py says how a country pack is written") from error


class Format(FormatNode):
    """Tell a read's country by its format, and put right what no plate can say there: an O among digits is a 0.

    A text that fits a wanted country's format is never changed. Otherwise up to two characters are taken for those
    they look like (0 O D Q, 1 I, 2 Z, 5 S, 6 G, 8 B), if the reader had a doubt and one repair is clearly the most
    likely. The read keeps what was read as `raw` and what was changed as `repairs` (`3: O -> 0`). Its confidence
    stays the reader's: repaired texts proved as right as unrepaired ones of the same confidence.

    Name the countries whose cars come by: without them less can be repaired, and a country is told only if no
    other has such plates. But name all of them, or the plates of the missing ones may be repaired to fit.
    """

    keep: Literal["all", "matching"] = "all"
    """What goes on: `all` reads, or only those `matching` a wanted country's format, if need be after repair."""

    def process(self, read: PlateRead) -> PlateRead | None:
        found = self._formats.repair(read.text, read.confidences)
        if not found.fits and self.keep == "matching":
            return None
        country = found.format.country if found.format else read.country
        repairs = (*read.repairs, *map(str, found.changes))
        return replace(read, text=found.text, country=country, repairs=repairs)
