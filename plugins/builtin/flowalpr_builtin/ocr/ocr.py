"""Reads plates with flowalpr's own reader."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, ClassVar, Literal

from flowalpr import Detection, Detections, Finding, ModelName, PlateRead
from flowalpr_builtin.ocr.thrift import ThriftyNode

if TYPE_CHECKING:
    from flowalpr.vision.reader import Reader, Reading

LOOSENESS = 0.04
"""What the detector's corners may miss of a plate, as a share of its size. Measured with both models in the box on the
481 plates of four validation sets (BR, US, CN, world): 450 read right with it, 447 without, 445 with twice as much."""

DOUBT = 0.8
"""Below this confidence a plate is cut out and read a second time, and the surer reading stands. Not where `track`
follows it: there the next frame is the second chance."""
LOOSER = (0.12, 0.04)
"""What the second cut leaves around the plate, along and across it. Of 14 cuts tried on the 495 plates of five
validation sets 13 gave 1 to 4 right reads more than one look (464), and all gave 4 to 11 more behind the quick
detector (443)."""


class Ocr(ThriftyNode):
    """Read every plate that was found in a frame: text, confidence of each character, and country if it shows.

    A plate whose corners are known is read as if seen from straight ahead. Plates of one and of two rows are read;
    one that is read with doubt, and that no `track` follows, is read again with more around it.
    Where nothing can be read nothing is passed on, but plates that `track` follows then give a read of empty text, for
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
        wanted = self._worth_reading(found)
        readings = self._cut_and_read(wanted, LOOSENESS, LOOSENESS)
        doubtful = [
            index
            for index, reading in enumerate(readings)
            if reading.confidence < DOUBT and wanted[index].track is None
        ]
        again = self._cut_and_read([wanted[index] for index in doubtful], *LOOSER)
        for index, reading in zip(doubtful, again, strict=True):
            readings[index] = max(readings[index], reading, key=lambda each: each.confidence)
        reads = [
            PlateRead(reading.text, reading.confidence, detection, reading.confidences, reading.country)
            for detection, reading in zip(wanted, readings, strict=True)
            if reading.text
        ]
        return self._thrift.complete(found, reads)

    def _cut_and_read(self, found: Sequence[Detection], along: float, across: float) -> list[Reading]:
        """What each plate says when so much more is left around it than the model wants, as shares of its size."""
        from flowalpr_builtin.ocr.crops import cut

        margin = self._reader.margin
        return self._reader.read([cut(each, margin + along, margin + across) for each in found])
