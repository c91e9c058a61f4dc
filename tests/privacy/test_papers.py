"""The papers made of a flow: true to it, whole, and harmless whatever stands in it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from flowalpr.cli.main import app
from flowalpr.privacy.document import Document, in_words

SITE = """\
flow: car-park
{privacy}
nodes:
  gate:    {{uses: camera, with: {{url: "rtsp://10.0.0.5/main"}}}}
  plates:  {{uses: detect, from: gate}}
  text:    {{uses: ocr, from: plates}}
  tariff:  {{uses: webhook, from: text, with: {{url: "https://tariff.example/sessions", age: 1 d}}}}
  archive: {{uses: store, from: text, with: {{frames: true, keep: {{law: maine, frames: never, crops: 24 h}}}}}}
"""
SAID = """\
privacy:
  controller: Car Park Ltd <1 High Street>
  contact: privacy@car-park.example
  purposes: [Opening the barrier]
  basis: legitimate interests
  more: https://car-park.example/privacy
"""


def paper(kind: str, folder: Path, privacy: str = SAID, suffix: str = ".md") -> str:
    (folder / "site.yaml").write_text(SITE.format(privacy=privacy))
    out = folder / f"paper{suffix}"
    done = CliRunner().invoke(app, ["privacy", kind, str(folder / "site.yaml"), "--out", str(out)])
    assert done.exit_code == 0, done.output
    return out.read_text(encoding="utf-8")


def test_the_notice_says_who_what_for_to_whom_and_for_how_long(tmp_path: Path) -> None:
    text = paper("notice", tmp_path)
    for said in (
        "privacy@car-park.example",
        "- Opening the barrier",
        "- The web server tariff.example",
        "| Reads: unmatched | 21 days |",
        "| Pictures of plates | 1 day |",
        "| Whole pictures | not stored at all |",
        "- A picture of the plate",
        "article 17",
    ):
        assert said in text
    assert "whole picture of the camera" not in text


def test_the_retention_table_names_the_law_and_where_it_stands(tmp_path: Path) -> None:
    text = paper("retention", tmp_path)
    assert "Maine Revised Statutes, title 29-A, section 2117-A" in text
    assert "| archive | kept: the store plates.db, sealed | in order |" in text


def test_what_a_flow_does_not_say_is_marked(tmp_path: Path) -> None:
    assert "«to be filled in: privacy.controller»" in paper("dpia", tmp_path, privacy="").replace("\\", "")
    assert "<mark>to be filled in: privacy.purposes</mark>" in paper("sign", tmp_path, privacy="", suffix=".html")


@pytest.mark.parametrize("kind", ["notice", "dpia", "retention", "sign"])
def test_a_page_stands_alone_and_runs_nothing_that_stands_in_the_flow(kind: str, tmp_path: Path) -> None:
    text = paper(kind, tmp_path, SAID.replace("Opening", "<script>alert(1)</script>"), ".html")
    assert text.startswith("<!doctype html>")
    assert "<script" not in text
    assert "src=" not in text


def test_markdown_cannot_break_out_of_a_table() -> None:
    document = Document("a | b")
    document.table(("x",), [("1 | 2\n3 <b>",)])
    assert document.markdown() == "# a \\| b\n\n| x |\n|---|\n| 1 \\| 2 3 \\<b\\> |\n"


@pytest.mark.parametrize(
    ("time", "words"),
    [
        (timedelta(days=1), "1 day"),
        (timedelta(hours=72), "3 days"),
        (timedelta(minutes=3), "3 minutes"),
        (timedelta(seconds=90), "90 seconds"),
    ],
)
def test_periods_are_told_as_people_say_them(time: timedelta, words: str) -> None:
    assert in_words(time) == words
