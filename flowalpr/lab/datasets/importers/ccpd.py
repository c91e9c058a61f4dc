"""CCPD, Chinese plates from car parks: everything is in the name of the picture.

`025-95_113-154&383_386&473-386&473_177&454_154&383_363&402-0_0_22_27_27_33_16-37-15.jpg` holds area, tilt, box,
corners from the right bottom on clockwise, indexes of the characters, brightness and blur (README of
github.com/detectRecog/CCPD, MIT). The folder says under which conditions the picture was taken.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from flowalpr.errors import Problem
from flowalpr.lab.datasets.importers import Choice, Found, pictures
from flowalpr.lab.datasets.sample import DataError, Plate

PROVINCES = "皖沪津渝冀晋蒙辽吉黑苏浙京闽赣鲁豫鄂湘粤桂琼川贵云藏陕甘青宁新警学"
LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"
CHARACTERS = LETTERS + "0123456789"
NAME = re.compile(r"[^-]*-\d+_\d+-(?P<box>\d+&\d+_\d+&\d+)-(?P<corners>\d+&\d+(?:_\d+&\d+){3})-(?P<text>\d+(?:_\d+)+)-")
CONDITIONS = {
    "ccpd_blur": "blur",
    "ccpd_db": "light",
    "ccpd_fn": "distance",
    "ccpd_rotate": "angle",
    "ccpd_tilt": "angle",
    "ccpd_weather": "weather",
    "ccpd_challenge": "hard",
}
WITHOUT_PLATES = "ccpd_np"


def read(source: Path, _: Choice) -> Iterator[Found]:
    """Every picture of CCPD below a folder."""
    for path in pictures(source):
        folder = path.parent.name.lower()
        if folder == WITHOUT_PLATES:
            yield Found(path)
            continue
        condition = CONDITIONS.get(folder)
        yield Found(path, (_plate(path),), (condition,) if condition else ())


def _plate(path: Path) -> Plate:
    match = NAME.match(path.name)
    indexes = [int(each) for each in match["text"].split("_")] if match else []
    tables = [PROVINCES, LETTERS, *[CHARACTERS] * (len(indexes) - 2)]
    if not match or any(index >= len(table) for index, table in zip(indexes, tables, strict=False)):
        raise DataError(  # The folder alone: the name holds the text.
            Problem(
                f"the name of a picture in {path.parent} is not one of CCPD",
                expected="area-tilt-box-corners-characters-brightness-blur.jpg",
                fix="move pictures of other origin out of this folder",
            )
        )
    (left, top), (right, bottom) = _points(match["box"])
    right_bottom, left_bottom, left_top, right_top = _points(match["corners"])
    return Plate(
        box=(left, top, right - left, bottom - top),
        corners=(left_top, right_top, right_bottom, left_bottom),
        text="".join(table[index] for index, table in zip(indexes, tables, strict=False)),
        country="CN",
    )


def _points(text: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in (each.split("&") for each in text.split("_"))]
