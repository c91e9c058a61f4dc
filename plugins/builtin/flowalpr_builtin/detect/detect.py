"""Find the plates of each frame."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from flowalpr import Box, Detection, Detections, Finding, Fraction, Frame, ModelName, Node

if TYPE_CHECKING:
    from flowalpr.vision.detector import Detector


class Detect(Node):
    """Find the licence plates in each frame: their boxes, their four corners and how sure that is.

    A frame in which nothing was found is passed on too, with no findings, since trackers need to learn of it.
    """

    heavy: ClassVar[bool] = True

    model: ModelName = "plate-detector-quick"
    """Folder under models/ of a detector, or the path of one; `plate-detector` takes four to five times as long
    and draws closer boxes."""
    at_least: Fraction = 0.6
    """Lowest confidence of a plate that is passed on."""
    longest: Annotated[int, Field(ge=64, le=4096, multiple_of=32)] = 736
    """Pixels that the longer side of a frame is scaled down to before the search; 512 is twice as fast and misses
    plates narrower than a thirtieth of the frame."""
    device: Literal["auto", "cpu", "cuda", "openvino", "tensorrt"] = "cpu"
    """What runs the model: onnxruntime (`cpu`, `cuda`; if CUDA is not there, the CPU is used and a warning says so),
    OpenVINO on the CPU, or TensorRT on a GPU of NVIDIA; `auto` is `cuda` where onnxruntime has it, else `cpu`."""

    _detector: Detector

    def open(self) -> None:
        from flowalpr.vision.detector import Detector
        from flowalpr.vision.session import in_words

        self._detector = Detector(self.model, self.at_least, self.longest, self.device)
        self.note("provider", in_words(self._detector.provider, self.device))

    def examine(self) -> Iterator[Finding]:
        from flowalpr.vision.examining import model_findings

        yield from model_findings(self.model, self.device)

    def process(self, frame: Frame) -> Detections:
        import numpy as np

        x, y = frame.offset
        offset = np.array([x, y], np.float32)
        found = []
        for box, confidence, corners in self._detector.find(frame.image):
            moved = Box(box.left + x, box.top + y, box.right + x, box.bottom + y)
            found.append(Detection(frame, moved, confidence, corners + offset))
        return Detections(frame, tuple(found))
