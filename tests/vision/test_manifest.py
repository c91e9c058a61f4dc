"""Models are found by name or path, and whatever is wrong with one is said before it is run."""

from pathlib import Path

import pytest
from support.models import stripe_reader

from flowalpr.errors import SetupError
from flowalpr.vision.manifest import ModelInput, find_model, load_model, models


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A model called `stripes` in a folder that `$FLOWALPR_MODELS` names."""
    monkeypatch.setenv("FLOWALPR_MODELS", str(tmp_path))
    return stripe_reader(tmp_path / "stripes")


def test_a_model_is_found_by_name_and_by_path(folder: Path) -> None:
    assert find_model("stripes").folder == folder
    assert find_model(folder).manifest.name == "stripes"
    assert find_model(str(folder), "reader").weights == folder / "model.onnx"


def test_models_of_the_user_are_listed_before_those_in_the_box(folder: Path) -> None:
    assert next(models()).folder == folder


def test_a_misspelt_name_gets_the_nearest_one(folder: Path) -> None:
    with pytest.raises(SetupError, match="no model 'stripe' was found") as caught:
        find_model("stripe")
    assert "did you mean 'stripes'?" in str(caught.value)


def test_a_model_of_another_kind_is_refused_with_those_that_fit(folder: Path) -> None:
    with pytest.raises(SetupError, match="is a reader, a detector is needed"):
        find_model("stripes", "detector")


def test_weights_cut_short_are_told_from_changed_and_missing_ones(folder: Path) -> None:
    weights = folder / "model.onnx"
    content = weights.read_bytes()
    weights.write_bytes(content[:100])
    with pytest.raises(SetupError, match=f"cut short: 100 bytes, {len(content)} expected"):
        find_model("stripes")
    weights.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(SetupError, match="sha256"):
        find_model("stripes")
    weights.unlink()
    with pytest.raises(SetupError, match="is missing"):
        find_model("stripes")


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("task: reader", "task: painter", "task"),
        ("version: 1", "version: 1\nspeed: 9", "speed"),
        ("mean: [127.5]", "mean: [1, 2]", "mean and scale need 1 values for grey pictures"),
        (", width: 192, height: 48", "", "give width and height, or multiple_of"),
        ("task: reader", "task: detector", "'reading' belongs to a reader"),
        ("name: stripes", "name: [", "is not YAML"),
        ("name: stripes", "name: ../../etc", "name"),
        ("licence: Apache-2.0", "", "licence"),
    ],
)
def test_a_wrong_manifest_names_the_key(folder: Path, before: str, after: str, said: str) -> None:
    path = folder / "model.yaml"
    path.write_text(path.read_text().replace(before, after))
    with pytest.raises(SetupError, match=r"model\.yaml") as caught:
        load_model(folder)
    assert said in str(caught.value)


def test_a_folder_without_manifest_says_what_belongs_there(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(SetupError, match=r"holds model\.yaml"):
        find_model(tmp_path / "empty")


def test_a_binary_manifest_is_an_error_of_the_user(folder: Path) -> None:
    (folder / "model.yaml").write_bytes(bytes(range(256)))
    with pytest.raises(SetupError, match="cannot read"):
        load_model(folder)


def test_grey_input_has_one_channel_and_colour_three() -> None:
    assert ModelInput(colour="grey", mean=(0,), scale=(1,), multiple_of=32).channels == 1
    assert ModelInput(colour="rgb", mean=(0, 0, 0), scale=(1, 1, 1), multiple_of=32).channels == 3
