"""`flowalpr read`: one line a picture, errors that cost nothing but their own picture, pictures to look at."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from flowalpr.cli.main import app

pytestmark = pytest.mark.slow  # Each loads the models.

SAMPLE = Path(__file__).parents[2] / "flows" / "sample"


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    """A folder with a good picture, an empty one, half a picture and something that is none."""
    shutil.copy(SAMPLE / "pictures" / "dusk.jpg", tmp_path / "good.jpg")
    content = (SAMPLE / "pictures" / "dusk.jpg").read_bytes()
    (tmp_path / "half.jpg").write_bytes(content[: len(content) // 2])
    (tmp_path / "empty.png").write_bytes(b"")
    (tmp_path / "text.jpg").write_text("no picture")
    return tmp_path


def read(*arguments: str | Path) -> tuple[int, list[dict], str]:
    """Exit code, JSON lines and what was said on standard error."""
    done = CliRunner().invoke(app, ["read", *map(str, arguments)])
    rows = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return done.exit_code, rows, done.stderr


def test_what_cannot_be_read_gives_an_error_and_the_rest_is_read(mixed):
    code, rows, _ = read(mixed, mixed / "missing.jpg", "--json")
    assert code == 1
    by_file = {row["file"]: row for row in rows}
    assert sorted(by_file) == ["empty.png", "good.jpg", "half.jpg", "missing.jpg", "text.jpg"]
    assert len(rows) == 5
    assert [file for file, row in by_file.items() if "error" not in row] == ["good.jpg"]
    (plate,) = by_file["good.jpg"]["plates"]
    assert sorted(plate) == ["box", "confidence", "corners", "country", "text"]
    assert plate["text"] == "QX748ZN"
    assert 0.5 < plate["confidence"] <= 1
    assert len(plate["box"]) == 4


def test_a_picture_without_a_plate_gives_an_empty_list(tmp_path):
    import cv2
    import numpy as np

    cv2.imwrite(str(tmp_path / "grey.png"), np.full((300, 400, 3), 128, np.uint8))
    assert read(tmp_path / "grey.png", "--json")[:2] == (0, [{"file": "grey.png", "plates": []}])


def test_each_frame_of_a_video_gives_a_line(tmp_path):
    import av
    import cv2

    image = cv2.imread(str(SAMPLE / "pictures" / "dusk.jpg"))
    with av.open(str(tmp_path / "film.mp4"), "w") as film:
        stream = film.add_stream("libx264", rate=5)
        stream.width, stream.height, stream.pix_fmt = 960, 540, "yuv420p"
        for _ in range(3):
            film.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="bgr24")))
        film.mux(stream.encode())
    code, rows, _ = read(tmp_path / "film.mp4", "--json")
    assert code == 0
    assert [(row["file"], row["frame"], row["plates"][0]["text"]) for row in rows] == [
        ("film.mp4", number, "QX748ZN") for number in range(3)
    ]


def test_people_get_a_table_and_the_errors_apart(mixed):
    done = CliRunner().invoke(app, ["read", str(mixed)])
    assert done.exit_code == 1
    assert "QX748ZN" in done.stdout
    assert "half.jpg" not in done.stdout
    assert "half.jpg" in done.stderr


def test_annotated_pictures_are_saved_beside_nothing_else(mixed, tmp_path):
    import cv2

    out = tmp_path / "out"
    (tmp_path / "other").mkdir()
    shutil.copy(mixed / "good.jpg", tmp_path / "other" / "good.jpg")
    read(mixed / "good.jpg", tmp_path / "other" / "good.jpg", "--save", out)
    assert sorted(file.name for file in out.iterdir()) == ["good.jpg.2.plates.jpg", "good.jpg.plates.jpg"]
    drawn, plain = cv2.imread(str(out / "good.jpg.plates.jpg")), cv2.imread(str(mixed / "good.jpg"))
    assert drawn.shape == plain.shape
    assert cv2.absdiff(drawn, plain).max() > 100


def test_pictures_saved_beside_their_originals_leave_these_as_they_are(mixed):
    before = (mixed / "good.jpg").read_bytes()
    read(mixed / "good.jpg", "--save", mixed)
    assert (mixed / "good.jpg").read_bytes() == before
    assert (mixed / "good.jpg.plates.jpg").exists()


def test_an_unknown_flow_is_explained_and_nothing_is_read(mixed):
    done = CliRunner().invoke(app, ["read", str(mixed), "--flow", "fist"])
    assert done.exit_code != 0
    assert "first" in str(done.exception) + done.stderr
