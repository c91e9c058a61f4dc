"""`flowalpr zone draw`: a picture of what a flow looks at."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from flowalpr.cli.main import app
from flowalpr.errors import FlowError, SetupError

FLOW = """\
flow: gate
nodes:
  gate:   {uses: camera, with: {url: 0}}
  plates: {uses: detect_text, from: gate}
  lane:
    uses: zone
    from: plates
    with: {inside: [[0.1, 0.3], [0.9, 0.3], [0.9, 0.9], [0.1, 0.9]], outside: [[200, 150], [300, 150], [300, 200]]}
  track:  {uses: track, from: lane}
  text:   {uses: ocr_rapid, from: track}
  car:    {uses: vote, from: text, with: {line: [[0.1, 0.5], [0.9, 0.5]]}}
  show:   {uses: console, from: car}
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("gate.yaml").write_text(FLOW)
    cv2.imwrite("gate.png", np.full((360, 640, 3), 120, np.uint8))


def draw(*arguments: str) -> str:
    result = CliRunner().invoke(app, ["zone", "draw", "gate.yaml", *arguments], catch_exceptions=False)
    assert result.exit_code == 0
    return result.output


def test_inside_is_bright_outside_is_dark_and_lines_are_yellow() -> None:
    assert draw("--picture", "gate.png", "--out", "zone.png") == "lane, car drawn in zone.png\n"
    image = cv2.imread("zone.png")
    assert image is not None
    assert image.shape == (360, 640, 3)
    assert image[250, 400].tolist() == [120, 120, 120]
    assert image[60, 400].tolist() == [40, 40, 40]
    assert image[170, 285].tolist() == [40, 40, 40]
    assert image[180, 500].tolist() == [40, 220, 250]


def test_no_node_hides_what_another_has_drawn() -> None:
    right = "[[0.6, 0.5], [0.9, 0.5], [0.9, 0.9], [0.6, 0.9]]"
    line = f"  first: {{uses: crop, from: gate, with: {{inside: {right}, outside: {right.replace('0.9', '0.8')}}}}}\n"
    Path("gate.yaml").write_text(
        FLOW.replace("  plates:", f"{line}  plates:").replace("from: gate}\n  lane", "from: first}\n  lane")
    )
    draw("--picture", "gate.png", "--out", "zone.png")
    image = cv2.imread("zone.png")
    assert image is not None
    assert image[324, 500].tolist() == [80, 220, 60]
    assert image[200, 384].tolist() == [60, 60, 230], "in the shade of `lane`"
    names = cv2.inRange(image, np.array([75, 215, 55]), np.array([85, 225, 65]))[184:, 388:500]
    assert names.any(), "`first`, above `first: outside`, which begins in the same corner"


def test_one_node_is_drawn_alone() -> None:
    assert draw("--picture", "gate.png", "--node", "car", "-o", "zone.jpg") == "car drawn in zone.jpg\n"
    image = cv2.imread("zone.jpg")
    assert image is not None
    assert abs(int(image[60, 400, 0]) - 120) < 8


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        (("--picture", "gate.png", "-o", "a.png", "--node", "lan"), FlowError, "did you mean 'lane'?"),
        (("--picture", "gate.png", "-o", "a.png", "--node", "text"), FlowError, "neither a polygon nor a line"),
        (("--picture", "none.png", "-o", "a.png"), SetupError, "cannot be read"),
        (("--picture", "gate.yaml", "-o", "a.png"), SetupError, "is no picture"),
        (("--picture", "gate.png", "-o", "a.txt"), SetupError, "neither .jpg nor .png"),
        (("--picture", "gate.png", "-o", "none/a.png"), SetupError, "cannot be written"),
    ],
)
def test_a_mistake_is_told_in_words(arguments: tuple[str, ...], error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        draw(*arguments)
