"""What a node's author needs to test it: `feed` it messages without an engine, and make frames and reads."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Iterable
from datetime import datetime, timedelta, timezone
from typing import Any

import numpy as np

from flowalpr.messages import END_OF_TIME, Box, Detection, Frame, Message, Passage, PlateRead, Stamp, stamp_of
from flowalpr.node import Node

NOON = datetime(2026, 1, 1, 12, tzinfo=timezone.utc)
"""When tests take place, unless they say otherwise."""


def feed(node: Node, *messages: Message) -> list[Message]:
    """All that a node gives: it is opened, fed, asked what is due after each message and at the end, and closed.

    A source is fed nothing and asked for everything it has, so give it an end.
    """
    return asyncio.run(_feed(node, messages))


def plate_frame(text: str = "AB 123", *, camera: str = "test", number: int = 0, at: float = 0.0) -> Frame:
    """A grey picture, 640 by 360, with one white plate in its middle, `at` seconds after noon; `detect` finds it."""
    import cv2

    image = np.full((360, 640, 3), 96, np.uint8)
    cv2.rectangle(image, (190, 150), (450, 210), (245, 245, 245), -1)
    (width, height), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, 1.5, 4)
    place = (320 - width // 2, 180 + height // 2)
    cv2.putText(image, text, place, cv2.FONT_HERSHEY_SIMPLEX, 1.5, (20, 20, 20), 4, cv2.LINE_AA)
    image.setflags(write=False)
    return Frame(image, Stamp(camera, NOON + timedelta(seconds=at), number))


def plate_read(
    text: str = "AB123", confidence: float = 0.9, *, camera: str = "test", number: int = 0, at: float = 0.0
) -> PlateRead:
    """A read of a plate in the middle of a small black frame, `at` seconds after noon."""
    frame = Frame(np.zeros((36, 64, 3), np.uint8), Stamp(camera, NOON + timedelta(seconds=at), number))
    detection = Detection(frame, Box(19, 15, 45, 21), confidence=0.9)
    return PlateRead(text, confidence, detection, confidences=(confidence,) * len(text))


def passage(
    text: str = "AB123", confidence: float = 0.9, *, reason: str = "read", camera: str = "test", at: float = 0.0
) -> Passage:
    """The final account of a car's passage of a second, `at` seconds after noon."""
    read = plate_read(text, confidence, camera=camera, at=at)
    return Passage(
        text=text,
        confidence=confidence,
        detection=read.detection,
        confidences=read.confidences,
        reason=reason,
        first=read.stamp.time,
        last=read.stamp.time + timedelta(seconds=1),
        seen=10,
        reads=3,
        readings=((text, 3),) if text else (),
    )


async def _feed(node: Node, messages: Iterable[Message]) -> list[Message]:
    process: Any = getattr(node, "process", None)  # Any: each node has its own signature
    given: list[Message] = []
    try:
        await _settled(node.open())
        if not node.ports().takes:
            given += await _settled(process())
        for message in messages:
            given += await _settled(process(message))
            stamp = stamp_of(message)
            given += await _settled(node.due(stamp.time)) if stamp else []
        given += await _settled(node.due(END_OF_TIME))
    finally:
        await _settled(node.close())
    return given


async def _settled(result: Any) -> list[Message]:  # Any: whatever a node may return
    """The messages in a result, be it none, one, several, or still to be awaited."""
    if inspect.isawaitable(result):
        result = await result
    if result is None:
        return []
    if isinstance(result, Message):
        return [result]
    if isinstance(result, AsyncIterator):
        return [message async for message in result]
    return list(result)
