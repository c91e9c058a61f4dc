"""The picture of a camera as the flow sees it: with zones, plates, and what was read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import cv2
import numpy as np

from flowalpr.vision.draw import annotated, outlined
from flowalpr.vision.zones import ZoneDrawing, shapes_of

if TYPE_CHECKING:
    from flowalpr.control.flow import RunningFlow
    from flowalpr.flow.graph import Graph
    from flowalpr.messages import Detection, Frame, PlateRead

WAIT = 3.0
"""Seconds within which a camera that lives gives a frame."""
SHOWN_FOR = timedelta(seconds=2)
"""How long what was found and read is drawn."""
QUALITY = 80


def picture(flow: RunningFlow, camera: str, width: int) -> bytes | None:
    """The camera's picture as JPEG, at most `width` pixels wide; None if it gives none now."""
    sight = flow.heard.want(camera)
    if sight is None or not sight.arrived.wait(WAIT) or sight.frame is None:
        return None
    frame = sight.frame
    drawing = ZoneDrawing(frame.image)
    for name in _behind(flow.runner.graph, camera):
        node = flow.runner.graph.nodes[name].node
        if any(shapes_of(node)):
            drawing.add(name, node)
    marked = replace(frame, image=drawing.image())
    found: tuple[Detection, ...] = ()
    if sight.found is not None and frame.stamp.time - sight.found.stamp.time < SHOWN_FOR:
        found = sight.found.found
    marked = replace(frame, image=outlined(marked, found))
    image = annotated(marked, _reads(flow, frame))
    if frame.width > width:
        size = (width, max(1, frame.height * width // frame.width))
        image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
    _, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    return data.tobytes()


def _reads(flow: RunningFlow, frame: Frame) -> list[PlateRead]:
    """What was read in the frames just before."""
    latest = (each.read for each in flow.heard.reads()[:20])
    since = frame.stamp.time - SHOWN_FOR
    return [
        read for read in latest if read.text and read.stamp.camera == frame.stamp.camera and read.stamp.time > since
    ]


def _behind(graph: Graph, camera: str) -> Iterator[str]:
    """The nodes that the camera's frames reach."""
    reached = {camera}
    for node in graph.nodes.values():
        if reached.intersection(node.inputs):
            reached.add(node.name)
            yield node.name
