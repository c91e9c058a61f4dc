"""Reads plates with flowalpr's own reader."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar, Literal

from flowalpr import Detections, Finding, ModelName, PlateRead
from flowalpr_builtin.ocr.thrift import ThriftyNode

if TYPE_CHECKING:
    from flowalpr.vision.reader import Reader

LOOSENESS = 0.04
"""What the detector's corners may miss of a plate, as a share of its size. Measured with both models in the box on the
481 plates of four validation sets (BR, US, CN, world): 450 read right with it, 447 without, 445 with twice as much."""


class Ocr(ThriftyNode):
    """Read every plate that was found in a frame: text, confidence of each character, and country if it shows.

    A plate whose corners are known is read as if seen from straight ahead. Plates of one and of two rows are read;
    where nothing can be read nothing is passed on, but plates that `track` follows then give a read of empty text, for
    `vote` to learn of them. The model's card, `models/plate-reader/card.md`, says how good it is and on what.
    """

    heavy: ClassVar[bool] = True

    model: ModelName = "plate-reader"
    """Folder under models/ of a reader, or the path of one."""
    device: Literal["auto", "cpu", "cuda", "openvino", "tensorrt"] = "cpu"
    """What runs the model: onnxruntime (`cpu`, `cuda`; if CUDA is not there, the CPU is used and a warning says so),
    OpenVINO on the CPU, or TensorRT on a GPU of NVIDIA; `auto` is `cuda` where onnxruntime has it, else `cpu`."""

    _reader: Reader

    def open(self) -> None:
        from flowalpr.vision.reader import Reader
        from flowalpr.vision.session import in_words

        super().open()
        self._reader = Reader(self.model, self.device)
        self.note("provider", in_words(self._reader.provider, self.device))

    def examine(self) -> Iterator[Finding]:
        from flowalpr.vision.examining import model_findings

        yield from model_findings(self.model, self.device)

    def process(self, found: Detections) -> list[PlateRead]:
        from flowalpr_builtin.ocr.crops import cut

        wanted = self._worth_reading(found)
        readings = self._reader.read([cut(each, self._reader.margin + LOOSENESS) for each in wanted])
        reads = [
            PlateRead(reading.text, reading.confidence, detection, reading.confidences, reading.country)
            for detection, reading in zip(wanted, readings, strict=True)
            if reading.text
        ]
        return self._thrift.complete(found, reads)
