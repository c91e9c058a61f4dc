"""The data commands from end to end: what is printed, what is written, how they end."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from flowalpr.cli.data import app
from flowalpr.lab.datasets.sample import DataError, Dataset, Plate, Sample, load, save
from flowalpr.testing import plate_frame


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(each) for each in arguments], catch_exceptions=False)


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Twelve pictures and a table; two pictures bear the same text."""
    folder = tmp_path / "photographs"
    folder.mkdir()
    rows = ["file,text,x,y,w,h"]
    for index in range(12):
        pixels = np.random.default_rng(index).integers(0, 256, (12, 16, 3), dtype=np.uint8)
        Image.fromarray(pixels).resize((160, 120)).save(folder / f"{index}.jpg")
        rows.append(f"{index}.jpg,AB{max(index, 1):02}CDE,20,30,60,20")
    (folder / "labels.csv").write_text("\n".join(rows))
    return folder


@pytest.fixture
def imported(pictures: Path, tmp_path: Path) -> Path:
    run("import", "csv", pictures, tmp_path / "plates", "--country", "GB")
    return tmp_path / "plates"


def test_import_says_what_it_brought_and_what_it_left_out(pictures: Path, tmp_path: Path) -> None:
    (pictures / "3.jpg").write_bytes(b"cut")
    result = run("import", "csv", pictures, tmp_path / "plates")
    assert result.exit_code == 0
    assert "11 pictures with 11 plates" in result.stdout
    assert "3.jpg is not a picture" in result.stderr
    assert len(load(tmp_path / "plates")) == 11


def test_import_as_json_is_one_line_for_scripts(pictures: Path, tmp_path: Path) -> None:
    result = run("import", "folder", pictures, tmp_path / "plates", "--json")
    assert json.loads(result.stdout) == {"pictures": 12, "plates": 0, "left_out": []}


def test_stats_count_what_was_imported(imported: Path) -> None:
    (figures,) = json.loads(run("stats", imported, "--json").stdout)
    assert (figures["pictures"], figures["plates"], figures["texts"]) == (12, 12, 11)
    assert figures["countries"] == {"GB": 12}
    table = run("stats", imported).stdout
    assert "GB 12" in table
    assert "160 x 120 12" in table


def test_check_ends_with_one_and_names_the_label(imported: Path) -> None:
    assert run("check", imported).exit_code == 0
    labels = imported / "labels.jsonl"
    labels.write_text(labels.read_text().replace("60.0, 20.0", "600.0, 20.0", 1))
    result = run("check", imported)
    assert result.exit_code == 1
    assert "images/0.jpg, plate 0: the box leaves the picture" in result.stdout
    assert json.loads(run("check", imported, "--json").stdout)["mistakes"][0]["plate"] == 0


def test_split_parts_share_nothing_and_point_to_the_pictures(imported: Path, tmp_path: Path) -> None:
    result = run("split", imported, "--to", tmp_path / "parts", "--val", "0.25", "--json")
    assert json.loads(result.stdout) == {"train": 9, "val": 3}
    train, val = load(tmp_path / "parts" / "train"), load(tmp_path / "parts" / "val")
    assert all(part.picture(sample).is_file() for part in (train, val) for sample in part)
    assert run("check", tmp_path / "parts" / "train", "--apart-from", tmp_path / "parts" / "val").exit_code == 0


def test_check_finds_what_two_sets_share(imported: Path) -> None:
    result = run("check", imported, "--apart-from", imported)
    assert result.exit_code == 1
    assert "shares a plate text with" in result.stdout
    assert "CDE" not in result.stdout, "a plate text is personal"


def test_a_split_that_leaves_nothing_to_train_on_is_refused(imported: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="leave nothing to train on"):
        run("split", imported, "--to", tmp_path / "parts", "--val", "0.6", "--test", "0.4")


def test_a_picture_cut_short_is_named_by_split(imported: Path, tmp_path: Path) -> None:
    (imported / "images" / "3.jpg").write_bytes(b"")
    with pytest.raises(DataError, match=r"3\.jpg cannot be read"):
        run("split", imported, "--to", tmp_path / "parts")


def test_view_writes_a_page_with_as_many_plates_as_asked_for(imported: Path, tmp_path: Path) -> None:
    result = run("view", imported, "--to", tmp_path / "sheet.html", "--at-most", "6")
    assert "6 of 12 plates" in result.stdout
    assert (tmp_path / "sheet.html").read_text().count("<figure>") == 6


@pytest.mark.slow
def test_labelling_takes_proposals_corrections_and_leaves_off_where_told(tmp_path: Path) -> None:
    for name, text in [("1", "AB 123"), ("2", "XY 789"), ("3", "EF 345"), ("4", "GH 678"), ("5", "JK 901")]:
        Image.fromarray(plate_frame(text).image).save(tmp_path / f"{name}.png")
    known = Plate(box=(190, 150, 260, 60), text="AB123")
    samples = [Sample(file=f"{n}.png", width=640, height=360, plates=(known,) if n == 1 else ()) for n in range(1, 6)]
    save(Dataset(tmp_path, tuple(samples)))

    def label(answers: str) -> Result:
        command = ["label", str(tmp_path), "--detector", "detect_text", "--reader", "ocr_rapid"]
        return CliRunner().invoke(app, command, input=answers, catch_exceptions=False)

    first = label("\nef 346\nq\n")
    assert "plates answered: 2" in first.stdout
    texts = [[plate.text for plate in sample.plates] for sample in load(tmp_path)]
    assert texts == [["AB123"], ["XY789"], ["EF346"], [None], []]
    assert "plates answered: 1" in label("-\n").stdout, "the end of the input, or Ctrl-C, ends it as `q` does"
    label("x\n")
    dataset = load(tmp_path)
    assert dataset.samples[3].plates[0].reason == "unclear"
    assert dataset.samples[3].plates[0].box is not None
    assert dataset.samples[4].plates == ()
    assert "plates answered: 0" in label("").stdout, "what was answered is not asked again, `x` included"


@pytest.mark.slow
def test_texts_of_a_table_get_their_boxes_by_labelling(tmp_path: Path) -> None:
    Image.fromarray(plate_frame("AB 123").image).save(tmp_path / "1.png")
    table = tuple(Plate(text=text, country=country) for text, country in [("ZZ999", "FR"), ("AB128", "BE")])
    save(Dataset(tmp_path, (Sample(file="1.png", width=640, height=360, plates=table),)))
    command = ["label", str(tmp_path), "--detector", "detect_text", "--reader", "ocr_rapid", "--country", "DE"]
    asked = CliRunner().invoke(app, command, input="\n", catch_exceptions=False)
    assert "text [AB128]" in asked.stdout, "the text of the table that is nearest to what is read"
    assert "1.png (1 of 1)" in asked.stdout
    without, found = load(tmp_path).samples[0].plates
    assert (without.text, without.box) == ("ZZ999", None)
    assert (found.text, found.country) == ("AB128", "BE")
    assert found.box is not None


def test_pictures_without_labels_are_of_no_country(pictures: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="data label FOLDER --country KR"):
        run("import", "folder", pictures, tmp_path / "plates", "--country", "KR")


def test_drawn_crops_and_scenes_are_labelled_exactly_and_the_same_again(pictures: Path, tmp_path: Path) -> None:
    run("import", "folder", pictures, tmp_path / "ground")
    for name in ("one", "two"):
        run("synth", "crops", tmp_path / name, "--count", "5", "--country", "DE", "--seed", "7")
    one, two = load(tmp_path / "one"), load(tmp_path / "two")
    assert one.samples == two.samples
    assert all(sample.plates[0].country == "DE" for sample in one)
    assert [one.picture(s).read_bytes() for s in one] == [two.picture(s).read_bytes() for s in two]
    assert run("check", tmp_path / "one").exit_code == 0
    with pytest.raises(DataError, match="holds a data set already"):
        run("synth", "crops", tmp_path / "one", "--count", "1")
    with pytest.raises(DataError, match="no layout is of XX"):
        run("synth", "crops", tmp_path / "three", "--country", "XX")
    with pytest.raises(DataError, match="--background"):
        run("synth", "scenes", tmp_path / "three")


def test_scenes_have_drawn_plates_over_real_ones_and_beside_with_exact_labels(tmp_path: Path) -> None:
    run("synth", "crops", tmp_path / "ground", "--count", "3", "--country", "DE", "--seed", "1")
    for name in ("one", "two"):
        run("synth", "scenes", tmp_path / name, "--background", tmp_path / "ground", "--over", "1", "--count", "3")
    one, two = load(tmp_path / "one"), load(tmp_path / "two")
    assert one.samples == two.samples
    real = {plate.text for sample in load(tmp_path / "ground") for plate in sample.plates}
    drawn = [plate for sample in one for plate in sample.plates]
    assert drawn
    assert all(plate.corners and plate.box and plate.text for plate in drawn)
    assert not real & {plate.text for plate in drawn}
