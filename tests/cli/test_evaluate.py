"""`flowalpr eval` with real nodes on drawn plates: figures, reports, comparisons."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import pytest
from typer.testing import CliRunner, Result

from flowalpr.cli.evaluate import app
from flowalpr.errors import FlowError
from flowalpr.lab.datasets.sample import DataError, Dataset, Plate, Sample, save
from flowalpr.testing import plate_frame

FLOW = """
flow: reading
nodes:
  pictures: {uses: images, with: {path: pictures}}
  plates: {uses: detect_text, from: pictures}
  text: {uses: ocr_rapid, from: plates}
  out: {uses: console, from: text}
"""


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(each) for each in arguments], catch_exceptions=False)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three drawn plates, of which one is labelled wrong, and one without a text."""
    folder = tmp_path_factory.mktemp("data") / "drawn"
    (folder / "images").mkdir(parents=True)
    samples = []
    for name, shown, text in [
        ("1", "AB 123", "AB123"),
        ("2", "XY 789", "XY789"),
        ("3", "EF 345", "EF346"),
        ("4", "GH 678", None),
    ]:
        cv2.imwrite(str(folder / "images" / f"{name}.png"), plate_frame(shown).image)
        plate = Plate(box=(190, 150, 260, 60), text=text, country="GB")
        samples.append(Sample(file=f"images/{name}.png", width=640, height=360, plates=(plate,), conditions=("day",)))
    save(Dataset(folder, tuple(samples)))
    return folder


@pytest.mark.slow
def test_a_reader_is_measured_at_the_labelled_places(drawn: Path, tmp_path: Path) -> None:
    result = run("reader", drawn, "--node", "ocr_rapid", "--json", "--report", tmp_path / "report")
    figures = json.loads(result.stdout)
    assert figures["plates"] == 3, "a plate without a text is not scored"
    assert figures["exact"]["hits"] == 2
    assert figures["confusions"] == [["6", "5", 1]]
    assert figures["groups"]["condition day"]["exact"]["count"] == 3
    page = (tmp_path / "report" / "report.html").read_text()
    assert page.count("<figure>") == 1, "the plate that was misread"
    assert "| 6 | 5 | 1 |" in (tmp_path / "report" / "report.md").read_text()
    assert json.loads((tmp_path / "report" / "results.json").read_text())["exact"] == figures["exact"]


@pytest.mark.parametrize("what", ["detector", "reader"])
def test_a_picture_that_is_missing_is_said_with_the_line_that_names_it(tmp_path: Path, what: str) -> None:
    plate = Plate(box=(1, 1, 20, 10), text="AB12")
    save(Dataset(tmp_path, (Sample(file="images/no.jpg", width=64, height=48, plates=(plate,)),)))
    with pytest.raises(DataError, match=r"labels\.jsonl:1:1 .*there is no picture .*no\.jpg"):
        run(what, tmp_path)


@pytest.mark.slow
def test_a_whole_flow_is_measured_and_compared_with_itself_under_fog(drawn: Path, tmp_path: Path) -> None:
    flow = tmp_path / "reading.yaml"
    flow.write_text(FLOW)
    result = run("end-to-end", drawn, "--flow", flow, "--under", "fog", "--report", tmp_path / "report", "--json")
    figures = json.loads(result.stdout)
    false = figures["false_reads"]["by_labels"]["count"]
    assert (figures["pictures"], figures["exact"]["hits"], false) == (4, 2, 0)
    assert set(figures["under"]) == {"fog"}
    assert figures["milliseconds"] > 0
    same = run("compare", tmp_path / "report", tmp_path / "report" / "results.json").stdout
    assert "exact: both right 2, only the first 0, only the second 0, neither 1: no difference beyond chance" in same


@pytest.mark.slow
def test_a_detector_is_measured_with_precision_at_its_working_point(drawn: Path, tmp_path: Path) -> None:
    result = run("detector", drawn, "--node", "detect_text", "--under", "distance", "--report", tmp_path, "--json")
    figures = json.loads(result.stdout)["groups"]["all"]
    assert json.loads(result.stdout)["under"]["distance"]["groups"]["all"]["plates"] == 4
    assert "| distance | 4 |" in (tmp_path / "report.md").read_text()
    assert figures["plates"] == 4
    assert figures["recall"]["count"] == 4
    assert (tmp_path / "precision-recall.svg").read_text().startswith("<?xml")


@pytest.mark.slow
def test_plates_in_a_list_are_ignored_and_both_figures_shown(drawn: Path, tmp_path: Path) -> None:
    bare = Dataset(tmp_path / "set" / "bare", (Sample(file="1.png", width=640, height=360),))
    save(bare)
    cv2.imwrite(str(bare.folder / "1.png"), plate_frame("AB 123").image)
    seen = Sample(file="set/bare/1.png", width=640, height=360, plates=(Plate(box=(190, 150, 260, 60)),))
    (tmp_path / "list.jsonl").write_text(seen.as_line())
    command = ("detector", bare.folder, drawn, "--node", "detect_text", "--ignore", tmp_path / "list.jsonl")
    result = run(*command, "--report", tmp_path, "--json")
    figures = json.loads(result.stdout)["groups"]["set/bare"]
    assert (figures["precision"]["hits"], figures["precision"]["count"]) == (0, 1)
    assert (figures["without_unlabelled"]["found"], figures["without_unlabelled"]["precision"]["count"]) == (1, 0)
    assert "| set/bare | 1 | 1 |" in (tmp_path / "report.md").read_text()
    assert "False plates, surest first</h2><main>\n</main><p>None.</p>" in (tmp_path / "report.html").read_text()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["reader", "--node", "ocr_rapit"], "did you mean 'ocr_rapid'"),
        (["reader", "--node", "ocr_rapid", "--set", "min_length=many"], "setting 'min_length' of ocr_rapid"),
        (["end-to-end", "--under", "frogs"], "there is no condition 'frogs'"),
    ],
)
def test_a_mistake_is_named_before_anything_runs(drawn: Path, arguments: list[str], says: str) -> None:
    with pytest.raises((FlowError, DataError), match=says):
        run(arguments[0], drawn, *arguments[1:])


def test_a_folder_without_results_says_how_to_make_them(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="flowalpr eval"):
        run("compare", tmp_path, tmp_path)
