"""Networks run where they can, and say so where that is not what was asked for."""

import logging
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from support.models import stripe_reader

from flowalpr.errors import SetupError
from flowalpr.vision.onnx import OnnxSession


@pytest.mark.skipif("CUDAExecutionProvider" in onnxruntime.get_available_providers(), reason="there is CUDA")
def test_cuda_asked_for_and_not_there_is_said_aloud(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    weights = stripe_reader(tmp_path / "stripes") / "model.onnx"
    with caplog.at_level(logging.WARNING):
        session = OnnxSession(weights, "cuda")
    assert session.provider == "CPU"
    assert "CUDA was asked for, but stripes runs on CPU" in caplog.text


def test_the_cpu_is_no_surprise(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    session = OnnxSession(stripe_reader(tmp_path / "stripes") / "model.onnx")
    outputs = session.run(np.zeros((3, 1, 48, 192), np.float32))
    assert session.provider == "CPU"
    assert [output.shape for output in outputs] == [(3, 24, 3), (3,), (3, 2)]
    assert not caplog.records


def test_a_file_that_is_no_network_is_an_error_of_the_user(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(b"not a network")
    with pytest.raises(SetupError, match=r"cannot load .*model\.onnx") as caught:
        OnnxSession(path)
    assert "flowalpr models verify" in str(caught.value)
