"""The node `crop`: the part of each frame that is worth looking at."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from pydantic import PrivateAttr, model_validator

from flowalpr import Box, Frame
from flowalpr_builtin.filters.polygons import AreaNode, in_pixels

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

GREY = 114
"""What is painted over; detectors are trained with this around their pictures."""

Mask = tuple[tuple[int, int, int, int], "NDArray[np.uint8] | None"]
"""Size and place of a frame's part, and where in it something counts: uint8, (height, width), 255 there, else 0."""


class Crop(AreaNode):
    """Cut each frame down to the part that counts, before plates are looked for: what lies outside is painted grey.

    A detector then needs less time, or sees small plates larger; passers-by and public roads are not looked at. Boxes
    stay in pixels of the camera's picture. A rectangle costs nothing; any other polygon costs a copy of its part.
    """

    _masks: dict[str, Mask] = PrivateAttr(default_factory=dict)

    @model_validator(mode="after")
    def _leaves_something_out(self) -> Crop:
        if not (self.inside or self.outside):
            raise ValueError("a crop needs a polygon: `inside` or `outside`")
        return self

    def open(self) -> None:
        import cv2  # noqa: F401  # A missing OpenCV is told before the first frame.

    def process(self, frame: Frame) -> Frame:
        import dataclasses

        part = frame.cut(self._around(frame)) if self.inside else frame
        key = (*part.offset, part.width, part.height)
        if self._masks.get(frame.stamp.camera, (None, None))[0] != key:
            self._masks[frame.stamp.camera] = (key, self._mask(frame, part))
        mask = self._masks[frame.stamp.camera][1]
        if mask is None:
            return part
        painted = _painted(part.image, mask)
        painted.setflags(write=False)
        # What is hidden must be so in the main stream's picture too.
        full = part.full.changed(partial(_painted, mask=mask)) if part.full else None
        return dataclasses.replace(part, image=painted, full=full)

    def _around(self, frame: Frame) -> Box:
        """The smallest box around all polygons that count."""
        import numpy as np

        points = np.concatenate([in_pixels(polygon, frame) for polygon in self.inside])
        return Box(*map(float, (*points.min(axis=0), *points.max(axis=0))))

    def _mask(self, frame: Frame, part: Frame) -> NDArray[np.uint8] | None:
        """Where in a frame's part something counts; None if everywhere."""
        import cv2
        import numpy as np

        mask = np.full((part.height, part.width), 0 if self.inside else 255, np.uint8)
        for polygons, value in ((self.inside, 255), (self.outside, 0)):
            for polygon in polygons:
                points = np.round(in_pixels(polygon, frame) - part.offset).astype(np.int32)
                cv2.fillPoly(mask, [points.reshape(-1, 1, 2)], value)
        return None if mask.all() else mask


def _painted(image: NDArray[np.uint8], mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A copy of a picture, grey where the mask is 0; the mask may have fewer pixels."""
    import cv2
    import numpy as np

    height, width = image.shape[:2]
    if mask.shape != (height, width):
        mask = np.asarray(cv2.resize(mask, (width, height), interpolation=cv2.INTER_NEAREST), np.uint8)
    painted = np.full_like(image, GREY)
    cv2.copyTo(image, mask, painted)
    return painted
