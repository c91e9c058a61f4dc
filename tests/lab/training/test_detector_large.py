"""The large detector and the published weights it starts from."""

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper

from flowalpr.lab.training.checkpoint import TrainingError
from flowalpr.lab.training.detector_large import DEVIATION, MEAN, LargePlateDetector, load_pretrained
from flowalpr.lab.training.pretrained import pretrained_weights


@pytest.fixture(scope="module")
def published() -> Path:
    return pretrained_weights("det")


def text_picture() -> np.ndarray:
    """float32, (1, 3, 96, 160), 0..1, with dark strokes on a bright plate."""
    rng = np.random.default_rng(0)
    picture = rng.uniform(0.2, 0.4, (1, 3, 96, 160)).astype(np.float32)
    picture[:, :, 30:60, 30:130] = 0.9
    for bar in range(8):
        picture[:, :, 36:54, 36 + 11 * bar : 40 + 11 * bar] = 0.1
    return picture


@pytest.mark.slow
def test_the_network_sees_what_the_published_one_sees(published: Path) -> None:
    from onnxruntime import InferenceSession

    picture = text_picture()
    network = LargePlateDetector().eval()
    load_pretrained(network, published)
    seen: dict[str, np.ndarray] = {}
    watched = {"p2o.pd_op.relu.4.0": network.stem, "Add.199": network.level16.narrow, "Add.207": network.level8.narrow}
    for name, part in watched.items():
        part.register_forward_hook(lambda *call, name=name: seen.update({name: call[2].numpy()}))
    with torch.no_grad():
        network(torch.from_numpy(picture))
    model = onnx.load(published)
    model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in watched)
    mean, deviation = (np.array(each, np.float32)[:, None, None] for each in (MEAN, DEVIATION))
    session = InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    stem, *maps = session.run(list(watched), {"x": (picture - mean) / deviation})
    # Away from the edge, which the original pads with the mean colour and ours with black, the stem is the same ...
    np.testing.assert_allclose(seen["p2o.pd_op.relu.4.0"][..., 2:-2, 2:-2], stem[..., 2:-2, 2:-2], atol=1e-4)
    # ... and what the neck gives to the head, which sees the edge from everywhere, is all but the same.
    for name, theirs in zip(list(watched)[1:], maps, strict=True):
        ours = seen[name].ravel()
        assert ours @ theirs.ravel() / np.linalg.norm(ours) / np.linalg.norm(theirs) > 0.98


def test_the_stem_is_not_trained_and_all_else_is() -> None:
    frozen = {name.split(".")[0] for name, each in LargePlateDetector().named_parameters() if not each.requires_grad}
    assert frozen == {"stem"}


@pytest.mark.parametrize("size", [(32, 32), (96, 160)])
def test_it_gives_13_values_for_8_by_8_pixels(size: tuple[int, int]) -> None:
    with torch.no_grad():
        assert LargePlateDetector().eval()(torch.zeros(1, 3, *size)).shape == (1, 13, size[0] // 8, size[1] // 8)


def test_another_network_is_refused(tmp_path: Path) -> None:
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in ("x", "y")]
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "other", values[:1], values[1:])
    onnx.save(helper.make_model(graph), tmp_path / "other.onnx")
    with pytest.raises(TrainingError, match="another network"):
        load_pretrained(LargePlateDetector(), tmp_path / "other.onnx")
