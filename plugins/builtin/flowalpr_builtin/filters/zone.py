"""The node `zone`: plates where they matter, and of a size that matters."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from pydantic import Field, model_validator

from flowalpr import Detection, Detections
from flowalpr_builtin.filters.polygons import AreaNode


class Zone(AreaNode):
    """Drop plates outside of a part of the picture, or too small or too large.

    Put it behind the detector, in front of `track`. A plate is where its middle is. Frames without a plate are passed
    on too, since trackers need to learn of them. `flowalpr zone draw` shows the polygons on a picture of the camera. To
    spare the detector what lies outside, take `crop`; that a car crossed a line, `vote` tells.
    """

    min_width: Annotated[float, Field(ge=0)] = 0
    """Least width of a plate, in pixels of the camera's picture."""
    max_width: Annotated[float, Field(gt=0)] | None = None
    """Greatest width, for what is taken for a plate but is a sign or a lorry."""

    @model_validator(mode="after")
    def _leaves_something_out(self) -> Zone:
        if not (self.inside or self.outside or self.min_width or self.max_width):
            raise ValueError("a zone needs a polygon (`inside`, `outside`) or a size (`min_width`, `max_width`)")
        if self.max_width is not None and self.max_width < self.min_width:
            raise ValueError(f"no plate is at least {self.min_width:g} and at most {self.max_width:g} pixels wide")
        return self

    def open(self) -> None:
        import cv2  # noqa: F401  # A missing OpenCV is told before the first frame.

    def process(self, found: Detections) -> Detections:
        kept = tuple(each for each in found.found if self._counts(each))
        return found if len(kept) == len(found.found) else replace(found, found=kept)

    def _counts(self, plate: Detection) -> bool:
        box = plate.box
        if box.width < self.min_width:
            self.tally("too small")
        elif self.max_width is not None and box.width > self.max_width:
            self.tally("too large")
        elif not self.has_point(plate.frame, (box.left + box.right) / 2, (box.top + box.bottom) / 2):
            self.tally("outside")
        else:
            return True
        return False
