"""The sharper picture that a frame of a sub-stream has behind it: that of the camera's main stream."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Full:
    """The main stream's picture of the moment at which a frame was taken; made of the video when first asked for."""

    __slots__ = ("_image", "_lock", "_make", "offset", "scale")

    def __init__(
        self, make: Callable[[], NDArray[np.uint8]], scale: tuple[float, float], offset: tuple[int, int] = (0, 0)
    ) -> None:
        """`make` gives the pixels; `scale` is how many of them, across and down, one of the sub-stream's has."""
        self._make: Callable[[], NDArray[np.uint8]] | None = make
        self._image: NDArray[np.uint8] | None = None
        self._lock = threading.Lock()
        self.scale = scale
        self.offset = offset
        """Where the image's left top pixel lies in the main stream's picture, as x and y."""

    @property
    def image(self) -> NDArray[np.uint8]:
        """The pixels, uint8, (height, width, 3), BGR, read-only; may be asked for by any thread."""
        with self._lock:
            if self._image is None and self._make is not None:
                self._image = self._make()
                self._image.setflags(write=False)
                self._make = None  # It holds the decoded video.
        assert self._image is not None  # noqa: S101  # Either it is made, or it was.
        return self._image

    def cut(self, left: int, top: int, right: int, bottom: int) -> Full:
        """The part that lies behind this part of the sub-stream's picture, in pixels of that."""
        across, down = self.scale
        x, y = math.floor(left * across), math.floor(top * down)
        columns = slice(x - self.offset[0], math.ceil(right * across) - self.offset[0])
        rows = slice(y - self.offset[1], math.ceil(bottom * down) - self.offset[1])
        return Full(lambda: self.image[rows, columns], self.scale, (x, y))

    def changed(self, change: Callable[[NDArray[np.uint8]], NDArray[np.uint8]]) -> Full:
        """The same with other pixels of the same number; `change` is given what must not be changed itself."""
        return Full(lambda: change(self.image), self.scale, self.offset)

    def copied(self) -> Full:
        """The same with pixels of its own, so that a larger picture can be freed."""
        image = self.image.copy()
        return Full(lambda: image, self.scale, self.offset)
