"""Reads plates with the recogniser in rapidocr's wheel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field, model_validator

from flowalpr import Detections, PlateRead
from flowalpr_builtin.ocr.thrift import ThriftyNode

if TYPE_CHECKING:
    from flowalpr_builtin.ocr.crops import CropReader


class OcrRapid(ThriftyNode):
    """Read what was found in a frame with PP-OCRv6's recogniser, in rapidocr's wheel, no training needed.

    It reads A-Z, 0-9 and the Chinese province characters, in one row or two, about 10 ms a row on one core. It knows
    no plate formats, so 0 and O, 1 and I may be mixed up: put `vote` or `format` behind it. What cannot be read is
    dropped, but plates that `track` follows then give a read of empty text, for `vote` to learn of them.
    """

    heavy: ClassVar[bool] = True

    min_length: Annotated[int, Field(ge=1, le=20)] = 4
    """Fewer characters are no plate and are dropped."""
    max_length: Annotated[int, Field(ge=1, le=40)] = 10
    """More characters are no plate and are dropped."""
    min_digits: Annotated[int, Field(ge=0, le=10)] = 1
    """Fewer digits are a word (a make, a shop) and are dropped; 0 where personal plates of letters only count."""

    _reader: CropReader

    @model_validator(mode="after")
    def _lengths_fit(self) -> OcrRapid:
        if self.min_length > self.max_length:
            raise ValueError(f"min_length ({self.min_length}) is above max_length ({self.max_length})")
        return self

    def open(self) -> None:
        from flowalpr_builtin.ocr.crops import CropReader

        super().open()
        self._reader = CropReader()

    def process(self, found: Detections) -> list[PlateRead]:
        wanted = self._worth_reading(found)
        reads = []
        for detection, row in zip(wanted, self._reader.read(wanted), strict=True):
            digits = sum(map(str.isdigit, row.text))
            if self.min_length <= len(row.text) <= self.max_length and digits >= self.min_digits:
                reads.append(PlateRead(row.text, row.confidence, detection, row.confidences))
        return self._thrift.complete(found, reads)
