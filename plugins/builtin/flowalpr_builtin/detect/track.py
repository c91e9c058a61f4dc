"""The node `track`: the same number for the same plate, frame after frame."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

from pydantic import Field, PrivateAttr

from flowalpr import Detections, Duration, Fraction, Node

if TYPE_CHECKING:
    from flowalpr_builtin.detect.tracker import Tracker


class Track(Node):
    """Give each plate a number that stays the same from frame to frame, so that `vote` can tell one car from the next.

    A plate is known again by where it is and where it was going, also after a gap. What belongs to no plate that has
    been seen with confidence is dropped, so the detector may give faint findings too (`at_least: 0.2`). Put it between
    the detector and the reader, and `vote` behind the reader.

    Numbers are unique on a machine, over restarts too: the time at which the plate was first seen, in milliseconds
    since 1970, or one more than the last number. Each camera has tracks of its own, 200 at most; all are forgotten
    when its clock is set back.
    """

    sure: Fraction = 0.5
    """Lowest confidence of a plate that is followed from here on; fainter ones only continue what was seen before."""
    memory: Annotated[Duration, Field(gt=timedelta(0))] = timedelta(seconds=1)
    """How long a plate may be out of sight and still be the same."""

    _trackers: dict[str, Tracker] = PrivateAttr(default_factory=dict)
    _last: int = 0

    def open(self) -> None:
        import flowalpr_builtin.detect.tracker  # noqa: F401  # A missing wheel is told before the first frame.

    def process(self, found: Detections) -> Detections:
        camera, time = found.stamp.camera, found.stamp.time.timestamp()
        tracker = self._trackers.get(camera) or self._begun(camera)
        self._last = max(self._last, int(time * 1000) - 1)
        tracks = tracker.update(found.found, time)
        followed = [
            replace(each, track=track) for each, track in zip(found.found, tracks, strict=True) if track is not None
        ]
        return replace(found, found=tuple(followed))

    def _begun(self, camera: str) -> Tracker:
        from flowalpr_builtin.detect.tracker import Tracker

        tracker = self._trackers[camera] = Tracker(self.sure, self.memory.total_seconds(), self._number)
        return tracker

    def _number(self) -> int:
        self._last += 1
        return self._last
