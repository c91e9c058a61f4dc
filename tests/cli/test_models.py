"""`flowalpr models` on a tiny detector: what is listed, what is refused, what is put where."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from typer.testing import CliRunner, Result

from flowalpr.cli import bench
from flowalpr.cli.models import app
from flowalpr.errors import SetupError
from flowalpr.lab.compression.export import write_model


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(each) for each in arguments], catch_exceptions=False)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where models of the user are."""
    monkeypatch.setenv("FLOWALPR_MODELS", str(tmp_path / "mine"))
    return tmp_path / "mine"


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """A detector of one layer, as a stranger would hand it over."""
    folder = tmp_path / "handed" / "tiny"
    folder.mkdir(parents=True)
    weight = np.zeros((13, 3, 8, 8), np.float32)
    graph = helper.make_graph(
        [helper.make_node("Conv", ["x", "w"], ["y"], strides=[8, 8])],
        "tiny",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3, "h", "w"])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 13, "r", "c"])],
        [numpy_helper.from_array(weight, "w")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, folder / "model.onnx")
    (folder / "card.md").write_text("# tiny\n\nFinds nothing.\n")
    fields = {
        "name": "tiny",
        "version": 3,
        "task": "detector",
        "input": {"colour": "bgr", "mean": (0, 0, 0), "scale": (1, 1, 1), "multiple_of": 32},
        "licence": "Apache-2.0",
    }
    write_model(folder, folder / "model.onnx", fields)
    return folder


def test_an_added_model_is_listed_shown_and_found_by_name(made: Path, place: Path) -> None:
    assert "name it in a flow: model: tiny" in run("add", made).stdout
    (listed,) = [each for each in json.loads(run("list", "--json").stdout) if each["name"] == "tiny"]
    assert (listed["task"], listed["version"], listed["folder"]) == ("detector", 3, str(place / "tiny"))
    assert "tiny" in run("list").stdout
    shown = run("show", "tiny").stdout
    assert "bgr, any x any pixels" in shown
    assert "Finds nothing." in shown
    assert sorted(path.name for path in place.iterdir()) == ["tiny"]


def test_a_model_of_that_name_is_replaced_only_when_asked(made: Path, place: Path) -> None:
    run("add", made)
    with pytest.raises(SetupError, match="--replace"):
        run("add", made)
    (made / "card.md").write_text("# better\n")
    run("add", made, "--replace")
    assert (place / "tiny" / "card.md").read_text() == "# better\n"
    with pytest.raises(SetupError, match="is there already"):
        run("add", place / "tiny")


def test_verify_runs_a_model_and_names_one_that_was_cut_short(made: Path) -> None:
    result = run("verify", made)
    assert (result.exit_code, result.stdout) == (0, "tiny: whole, and runs on CPU\n")
    weights = made / "model.onnx"
    weights.write_bytes(weights.read_bytes()[:-100])
    result = run("verify", made, "--json")
    assert result.exit_code == 1
    assert "cut short" in json.loads(result.stdout)[0]["error"]


def test_a_damaged_model_is_not_added(made: Path, place: Path) -> None:
    content = bytearray((made / "model.onnx").read_bytes())
    content[-20] ^= 1
    (made / "model.onnx").write_bytes(content)
    with pytest.raises(SetupError, match="is not a model that works"):
        run("add", made)
    assert not place.exists()


def test_weights_of_another_kind_are_not_whole_even_if_their_checksum_fits(made: Path) -> None:
    (made / "model.onnx").write_bytes(b"a picture, for instance")
    manifest = {
        "name": "tiny",
        "version": 1,
        "task": "detector",
        "input": {"colour": "bgr", "mean": (0, 0, 0), "scale": (1, 1, 1), "multiple_of": 32},
        "licence": "MIT",
    }
    write_model(made, made / "model.onnx", manifest)
    result = run("verify", made)
    assert result.exit_code == 1
    assert "cannot load" in result.stdout


@pytest.mark.slow
def test_a_bench_tries_every_combination_and_draws_it(made: Path, tmp_path: Path) -> None:
    options = ["--threads", "1", "--batch", "1", "--batch", "3", "--runs", "3", "--json"]
    plot = tmp_path / "plots" / "times.svg"
    result = CliRunner().invoke(bench.app, ["models", str(made), *options, "--plot", str(plot)], catch_exceptions=False)
    one, three = json.loads(result.stdout)
    assert (one["batch"], three["batch"], one["provider"], one["size"]) == (1, 3, "CPU", "736x416")
    for each in (one, three):
        assert each["network"] > 0
        assert each["around"] > 0
        assert each["fps"] == pytest.approx(1e3 / (each["around"] + each["network"]))
        assert each["megabytes"] > 10
    assert plot.read_text().startswith("<?xml")


@pytest.mark.slow
def test_a_bench_measures_other_precisions_and_says_which_cannot_be_made(made: Path) -> None:
    forms = ["--precision", "fp32", "--precision", "fp16", "--precision", "int8"]
    options = ["models", str(made), *forms, "--runs", "2"]
    result = CliRunner().invoke(bench.app, [*options, "--json"], catch_exceptions=False)
    full, half, refused = json.loads(result.stdout)
    assert (full["precision"], half["precision"]) == ("fp32", "fp16")
    assert refused["case"] == "tiny int8 on cpu, 1 threads, batch 1"
    assert "INT8 must be calibrated on pictures" in refused["error"]


@pytest.mark.slow
def test_a_bench_with_a_picture_that_is_none_says_so(made: Path, tmp_path: Path) -> None:
    (tmp_path / "1.jpg").write_bytes(b"none")
    options = ["models", str(made), "--picture", str(tmp_path / "1.jpg")]
    with pytest.raises(SetupError, match="is not a picture"):
        CliRunner().invoke(bench.app, options, catch_exceptions=False)
