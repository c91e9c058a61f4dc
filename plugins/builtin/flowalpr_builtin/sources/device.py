"""Cameras at this machine, and GStreamer pipelines, through OpenCV: FFmpeg has no limit to its wait for a device."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic

import cv2
import numpy as np
from numpy.typing import NDArray

from flowalpr import SetupError
from flowalpr_builtin.sources.address import Address


def check_gstreamer() -> None:
    """Make sure that OpenCV can run pipelines.

    Raises:
        SetupError: it was built without GStreamer, as those of PyPI are.
    """
    lines = cv2.getBuildInformation().splitlines()
    if not any("GStreamer" in line and "YES" in line for line in lines):
        raise SetupError(
            "this OpenCV was built without GStreamer, so no pipeline can be run",
            "use the OpenCV of the system: `python3 -m venv --system-site-packages` on a Jetson; or give a URL",
        )


def pictures(camera: Address, stall: float, stopped: Callable[[], bool]) -> Iterator[NDArray[np.uint8]]:
    """The pictures of a camera as they come: uint8, (height, width, 3), BGR.

    Raises:
        ConnectionError: it is not there, cannot be opened, or gave no picture for `stall` seconds.
    """
    if camera.device and not Path(camera.device).exists():
        raise ConnectionError(f"{camera} is not there: is it plugged in? `ls /dev/video*` shows those that are")
    capture = (
        cv2.VideoCapture(camera.device, cv2.CAP_V4L2)
        if camera.device
        else cv2.VideoCapture(camera.reveal(), cv2.CAP_GSTREAMER)
    )
    try:
        if not capture.isOpened():
            raise ConnectionError(
                f"{camera} cannot be opened: is another program using it, is this user in the group `video`?"
                if camera.device
                else f"{camera} does not start: try it with `gst-launch-1.0`; it ends in `... ! videoconvert ! appsink`"
            )
        latest = monotonic()
        while not stopped():
            came, image = capture.read()
            if came:
                latest = monotonic()
                yield np.asarray(image, dtype=np.uint8)
            elif monotonic() - latest > stall:
                raise ConnectionError(f"{camera} gave no picture for {stall:g} s")
    finally:
        capture.release()
