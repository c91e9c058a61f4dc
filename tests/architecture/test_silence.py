"""The libraries that run networks report nothing to their makers, and leave no id of this machine behind."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.models import stripe_reader

RUN = """
import sys
from pathlib import Path
from flowalpr.vision.session import open_session
open_session(Path(sys.argv[1]), sys.argv[2])
"""


@pytest.mark.slow
@pytest.mark.parametrize("device", ["cpu", "openvino"])
def test_what_runs_a_network_makes_no_id_to_report_under(tmp_path: Path, device: str) -> None:
    pytest.importorskip("onnxruntime" if device == "cpu" else "openvino")
    model = stripe_reader(tmp_path / "model") / "model.onnx"
    home = tmp_path / "home"
    home.mkdir()
    places = dict.fromkeys(("HOME", "TMPDIR", "XDG_CACHE_HOME", "XDG_DATA_HOME"), str(home))
    # Without the marks of a CI service, under which OpenVINO is silent by itself.
    plain = {"PATH": os.environ["PATH"], **places}
    subprocess.run([sys.executable, "-c", RUN, model, device], env=plain, check=True, timeout=60, cwd=home)
    assert list(home.rglob("*")) == []
