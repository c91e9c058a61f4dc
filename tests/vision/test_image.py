"""Pictures good and bad."""

import io
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from flowalpr.vision.image import PictureError, canvas_size, decode, letterbox, load, normalise, rectify
from flowalpr.vision.manifest import ModelInput


def encoded(picture: Image.Image, kind: str, **options: object) -> bytes:
    """A file's content."""
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def halves(mode: str = "RGB") -> Image.Image:
    """64 x 32 pixels: left half black, right half white."""
    picture = Image.new("L", (64, 32), 0)
    picture.paste(255, (32, 0, 64, 32))
    return picture.convert(mode)


@pytest.mark.parametrize(
    ("mode", "kind"), [("L", "PNG"), ("1", "PNG"), ("RGBA", "PNG"), ("P", "PNG"), ("CMYK", "JPEG")]
)
def test_any_kind_of_pixel_becomes_bgr(mode: str, kind: str) -> None:
    image = decode(encoded(halves(mode), kind))
    assert image.shape == (32, 64, 3)
    assert image.dtype == np.uint8
    assert image[:, :28].max() < 40
    assert image[:, 36:].min() > 215


def test_sixteen_bits_become_eight() -> None:
    deep = np.full((4, 6), 0x8000, np.uint16)
    image = decode(cv2.imencode(".png", deep)[1].tobytes())
    assert image.shape == (4, 6, 3)
    assert abs(int(image[0, 0, 0]) - 128) <= 1


def test_exif_rotation_is_applied() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # To be turned by 90 degrees clockwise: the black left half goes to the top.
    image = decode(encoded(halves(), "JPEG", exif=exif))
    assert image.shape == (64, 32, 3)
    assert image[:28].max() < 40 < 215 < image[36:].min()


def test_a_picture_of_one_pixel_is_a_picture(tmp_path: Path) -> None:
    file = tmp_path / "dot.png"
    file.write_bytes(encoded(Image.new("RGB", (1, 1), (10, 20, 30)), "PNG"))
    image = load(file)
    assert image.tolist() == [[[30, 20, 10]]]
    fitted = letterbox(image, *canvas_size(1, 1, 640))
    assert fitted.image.shape == (32, 32, 3)


@pytest.mark.parametrize("size", [(20_000, 20_000), (12_000, 9_000)])
def test_a_huge_picture_is_refused_before_its_pixels_are_decoded(size: tuple[int, int]) -> None:
    head = bytearray(encoded(Image.new("L", (1, 1)), "BMP"))
    head[18:26] = size[0].to_bytes(4, "little") + size[1].to_bytes(4, "little")
    with pytest.raises(PictureError) as error:
        decode(bytes(head), "huge.bmp")
    assert "huge.bmp" in str(error.value)


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_bytes_that_are_no_picture_give_an_error_with_the_name(content: bytes) -> None:
    with pytest.raises(PictureError, match=r"notes\.txt"):
        decode(content, "notes.txt")


def test_a_file_cut_short_is_refused_or_shown_in_part() -> None:
    whole = encoded(halves(), "PNG")
    with pytest.raises(PictureError, match=r"cut\.png"):
        decode(whole[:40], "cut.png")


@given(st.integers(1, 5000), st.integers(1, 5000), st.sampled_from([320, 640, 960]))
def test_canvas_sides_are_multiples_of_32_and_hold_the_picture(height: int, width: int, longest: int) -> None:
    rows, columns = canvas_size(height, width, longest)
    assert rows % 32 == columns % 32 == 0
    assert max(rows, columns) <= longest
    scale = min(1.0, longest / max(height, width))
    assert rows >= height * scale - 1e-6
    assert columns >= width * scale - 1e-6


def test_a_letterboxed_point_comes_back_to_its_place() -> None:
    image = np.zeros((720, 1280, 3), np.uint8)
    image[350:370, 630:650] = 255
    fitted = letterbox(image, 384, 640)
    assert fitted.image.shape == (384, 640, 3)
    rows, columns = np.nonzero(fitted.image[:360, :, 0] > 127)
    assert columns.mean() / fitted.scale == pytest.approx(640, abs=2)
    assert rows.mean() / fitted.scale == pytest.approx(360, abs=2)


def test_a_small_picture_is_not_enlarged() -> None:
    fitted = letterbox(np.zeros((100, 200, 3), np.uint8), 384, 640)
    assert fitted.scale == 1.0
    assert (fitted.image[100:] == 114).all()


def test_a_network_is_given_channels_first_with_mean_and_scale_of_each() -> None:
    rng = np.random.default_rng(5)
    pictures = [rng.integers(0, 256, (32, 64, 3), dtype=np.uint8) for _ in range(2)]
    wanted = ModelInput(colour="rgb", mean=(10, 20, 30), scale=(0.1, 0.2, 0.3), multiple_of=32)
    batch = normalise(pictures, wanted)
    red_first = np.stack(pictures)[..., ::-1].transpose(0, 3, 1, 2)
    expected = (red_first - np.reshape(wanted.mean, (3, 1, 1))) * np.reshape(wanted.scale, (3, 1, 1))
    assert batch.dtype == np.float32
    np.testing.assert_allclose(batch, expected, atol=1e-4)  # float32 against float64


def test_a_network_for_grey_pictures_is_given_one_channel() -> None:
    white = np.full((48, 96, 3), 255, np.uint8)
    wanted = ModelInput(colour="grey", mean=(127.5,), scale=(1 / 127.5,), width=96, height=48)
    batch = normalise([white], wanted)
    assert batch.shape == (1, 1, 48, 96)
    np.testing.assert_allclose(batch, 1, atol=1e-5)  # float32


def test_rectifying_undoes_a_perspective() -> None:
    rng = np.random.default_rng(3)
    plate = cv2.resize(rng.integers(0, 255, (6, 24, 3), dtype=np.uint8), (192, 48), interpolation=cv2.INTER_CUBIC)
    corners = np.array([[40, 30], [260, 60], [250, 130], [50, 90]], np.float32)
    straight = np.array([[0, 0], [192, 0], [192, 48], [0, 48]], np.float32)
    turn = cv2.getPerspectiveTransform(straight - 0.5, corners - 0.5)
    scene = cv2.warpPerspective(plate, turn, (320, 160))
    back = rectify(scene, corners, (192, 48))
    inner = np.abs(back.astype(int) - plate)[4:-4, 4:-4]
    assert inner.mean() < 4  # Grey levels of 255: two bilinear samplings blur a little.
