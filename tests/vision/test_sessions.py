"""The same network on other runtimes: it says the same there, and what is missing is told with its remedy."""

import importlib.util
import logging
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from support.models import stripe_reader

from flowalpr.errors import SetupError
from flowalpr.vision.detector import Detector
from flowalpr.vision.engine_cache import FREE, engine_file, keep, shapes_of
from flowalpr.vision.image import load
from flowalpr.vision.manifest import find_model
from flowalpr.vision.session import open_session

PICTURES = Path(__file__).parents[2] / "flows" / "sample" / "pictures"
PLATES = np.random.default_rng(4).random((3, 1, 48, 192), np.float32)


def test_openvino_says_what_onnxruntime_says(tmp_path: Path) -> None:
    weights = stripe_reader(tmp_path / "stripes") / "model.onnx"
    wanted, got = (open_session(weights, device).run(PLATES) for device in ("cpu", "openvino"))
    for one, other in zip(wanted, got, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-4)  # float32 sums in another order


def test_results_of_openvino_outlive_the_next_run(tmp_path: Path) -> None:
    session = open_session(stripe_reader(tmp_path / "stripes") / "model.onnx", "openvino")
    first = session.run(PLATES)
    before = [each.copy() for each in first]
    session.run(1 - PLATES)
    assert all(map(np.array_equal, first, before))


def test_the_detector_in_the_box_finds_the_same_plates_on_openvino() -> None:
    image = load(sorted(PICTURES.iterdir())[0])
    wanted, got = (Detector(device=device).find(image) for device in ("cpu", "openvino"))
    assert len(wanted) == len(got) > 0
    for one, other in zip(wanted, got, strict=True):
        # INT8 is rounded elsewhere by each runtime: by some hundredths of the plate's size.
        assert np.abs(np.subtract(one.box, other.box)).max() < 0.1 * one.box.width
        assert abs(one.confidence - other.confidence) < 0.15


def test_what_runs_a_model_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    weights = stripe_reader(tmp_path / "stripes") / "model.onnx"
    with caplog.at_level(logging.INFO):
        open_session(weights, "openvino")
    assert "stripes runs on OpenVINO CPU" in caplog.text


def test_auto_runs_everywhere(tmp_path: Path) -> None:
    session = open_session(stripe_reader(tmp_path / "stripes") / "model.onnx", "auto")
    assert session.provider in ("CPU", "CUDA")


@pytest.mark.parametrize("content", [b"", b"not a network"])
def test_openvino_refuses_a_damaged_file_in_our_words(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(content)
    with pytest.raises(SetupError, match=r"OpenVINO .* cannot load .*model\.onnx") as caught:
        open_session(path, "openvino")
    assert "flowalpr models verify" in str(caught.value)


def test_without_openvino_the_error_says_what_to_install(tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['openvino'] = None\n"  # As import sees a package that is not there.
        "from pathlib import Path; from flowalpr.vision.session import open_session\n"
        f"open_session(Path({str(tmp_path / 'model.onnx')!r}), 'openvino')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert "OpenVINO is not installed" in done.stderr
    assert "pip install 'flowalpr[cpu,openvino]'" in done.stderr


@pytest.mark.skipif(importlib.util.find_spec("tensorrt") is not None, reason="TensorRT is installed")
def test_without_tensorrt_the_error_says_what_to_install(tmp_path: Path) -> None:
    weights = stripe_reader(tmp_path / "stripes") / "model.onnx"
    with pytest.raises(SetupError, match="TensorRT is not installed") as caught:
        open_session(weights, "tensorrt")
    assert "flowalpr[cpu,tensorrt]" in str(caught.value)
    assert "--system-site-packages" in str(caught.value)


@pytest.mark.gpu
@pytest.mark.slow
def test_tensorrt_says_what_onnxruntime_says(tmp_path: Path) -> None:
    pytest.importorskip("tensorrt")
    weights = stripe_reader(tmp_path / "stripes") / "model.onnx"
    built, kept = open_session(weights, "tensorrt"), open_session(weights, "tensorrt")
    wanted = open_session(weights).run(PLATES)
    for session in (built, kept):
        for one, other in zip(wanted, session.run(PLATES), strict=True):
            np.testing.assert_allclose(one, other, atol=2e-2)  # TF32


def test_an_engine_is_of_use_for_one_file_one_version_and_one_gpu_alone(tmp_path: Path) -> None:
    one, other = (
        stripe_reader(tmp_path / name, letters) / "model.onnx" for name, letters in (("a", "AB"), ("b", "XY"))
    )
    other.write_bytes(other.read_bytes() + b"\0")
    gpu = "NVIDIA Orin (nvgpu)"
    files = {
        engine_file(*how) for how in ((one, "10.3", gpu), (other, "10.3", gpu), (one, "11.4", gpu), (one, "10.3", "T4"))
    }
    assert len(files) == 4
    assert engine_file(one, "10.3", gpu) == engine_file(one, "10.3", gpu)


def test_an_engine_is_kept_whole(tmp_path: Path) -> None:
    file = tmp_path / "engines" / "reader.engine"
    keep(b"old", file)
    keep(b"new", file)
    assert [each.read_bytes() for each in file.parent.iterdir()] == [b"new"]


@pytest.mark.parametrize("name", ["plate-detector", "plate-reader"])
def test_engines_are_built_for_what_the_models_in_the_box_are_given(name: str) -> None:
    held = find_model(name).manifest.input
    least, usual, most = shapes_of((FREE, held.channels, held.height or FREE, held.width or FREE))
    assert all(a <= b <= c for a, b, c in zip(least, usual, most, strict=True))
    assert least[0] == 1
    if held.height is None:
        assert usual[2:] == (416, 736)  # 1280 x 720, the longest side scaled down to 736
