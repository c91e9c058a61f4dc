"""What `flowalpr privacy check` finds in a flow."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pluggy
import pytest
from typer.testing import CliRunner

from flowalpr import Exposure, Message, Node
from flowalpr.cli.main import app
from flowalpr.errors import FlowError
from flowalpr.flow.load import bundled_flows, load_flow
from flowalpr.plugins import Catalogue, Offer, load_plugins
from flowalpr.privacy.check import Findings, findings

READS = """\
flow: gate
{privacy}nodes:
  gate:   {{uses: camera, with: {{url: "rtsp://10.0.0.5/main"}}}}
  plates: {{uses: detect, from: gate}}
  text:   {{uses: ocr, from: plates}}
  out:    {sink}
"""


class Upload(Node):
    """A stranger's sink that does not say where plates get to."""

    def process(self, message: Message) -> None:
        """Keep it."""


class Postcard(Upload):
    """A stranger's sink that does."""

    def exposes(self) -> tuple[Exposure, ...]:
        return (Exposure("sent", "the post", "anybody can read it", "use an envelope"),)


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    strangers = [Offer("stranger", node.__name__.lower(), node) for node in (Upload, Postcard)]
    return Catalogue([*load_plugins(), *strangers], (), pluggy.PluginManager("flowalpr"))


def found_in(tmp_path: Path, catalogue: Catalogue, sink: str, privacy: str = "") -> Findings:
    path = tmp_path / "gate.yaml"
    path.write_text(READS.format(sink=sink, privacy=privacy))
    return findings(load_flow(path, catalogue))


@pytest.mark.parametrize(
    ("sink", "fault", "fix"),
    [
        ("{uses: lines, from: text, with: {path: reads.jsonl}}", "it is not sealed", "keep them in a `store`"),
        ("{uses: snapshot, from: text, with: {folder: pictures}}", "they are not sealed", "frames: true"),
        ("{uses: console, from: text, with: {plates: whole}}", "often goes to a file", "plates: auto"),
        ("{uses: debug, from: text, with: {unmasked: true}}", "logs are kept", "leave `unmasked` out"),
        ("{uses: webhook, from: text, with: {url: 'http://a.example/b', age: 1 d}}", "not encrypted", "https://"),
        ("{uses: webhook, from: text, with: {url: 'https://a.example/b'}}", "for ever", "age: 1 d"),
        ("{uses: mqtt, from: text, with: {host: a.example, age: 1 d}}", "not encrypted", "tls: true"),
        (
            "{uses: email, from: text, with: {host: a.example, security: none, sender: a@b.c, to: [d@e.f]}}",
            "not encrypted",
            "security: starttls",
        ),
        ("{uses: sessions, from: text, with: {entry: [gate], exit: [b]}}", "it is not sealed", "encrypted disk"),
        ("{uses: upload, from: text}", "does not say where plates get to", "ask its author for `exposes`"),
        ("{uses: postcard, from: text}", "anybody can read it", "use an envelope"),
    ],
)
def test_a_sink_that_lets_plates_out_is_told_with_its_place(
    tmp_path: Path, catalogue: Catalogue, sink: str, fault: str, fix: str
) -> None:
    (problem,) = found_in(tmp_path, catalogue, sink).problems
    assert fault in problem.what
    assert fix in problem.fix
    assert problem.place
    assert problem.place.line == 6


@pytest.mark.parametrize(
    "sink",
    [
        "{uses: console, from: text}",
        "{uses: debug, from: text}",
        "{uses: lines, from: plates, with: {path: detections.jsonl}}",  # There are no plates in it.
        "{uses: webhook, from: text, with: {url: 'https://a.example/b', age: 1 d}}",
        "{uses: webhook, from: text, with: {url: 'http://127.0.0.1:8000/b', age: 1 d}}",
        "{uses: mqtt, from: text, with: {host: a.example, tls: true, age: 1 d}}",
        "{uses: alert, from: text}",
        "{uses: distinct, from: text, with: {remember: true}}",
    ],
)
def test_what_is_sealed_encrypted_or_forgotten_passes(tmp_path: Path, catalogue: Catalogue, sink: str) -> None:
    assert found_in(tmp_path, catalogue, sink).problems == []


def test_what_a_person_accepts_with_a_reason_passes_and_is_told(tmp_path: Path, catalogue: Catalogue) -> None:
    sink = "{uses: lines, from: text, with: {path: reads.jsonl}}"
    found = found_in(tmp_path, catalogue, sink, "privacy: {accept: {out: the disk is encrypted by LUKS}}\n")
    assert found.problems == []
    assert "accepted: the disk is encrypted by LUKS" in found.remarks[0].what
    assert found.spots[0].accepted == "the disk is encrypted by LUKS"


def test_lines_that_go_by_age_are_still_not_sealed_but_their_period_is_known(
    tmp_path: Path, catalogue: Catalogue
) -> None:
    sink = "{{uses: lines, from: text, with: {{path: reads.jsonl{more}}}}}"
    reason = "privacy: {accept: {out: the disk is encrypted by LUKS}}\n"
    (problem,) = found_in(tmp_path, catalogue, sink.format(more="")).problems
    assert "no rule says for how long" in problem.what
    assert "keep_for: 7 d" in problem.fix
    (problem,) = found_in(tmp_path, catalogue, sink.format(more=", keep_for: 7 d")).problems
    assert problem.what.endswith("it is not sealed")
    assert found_in(tmp_path, catalogue, sink.format(more=", keep_for: 7 d"), reason).longest == timedelta(days=7)
    assert found_in(tmp_path, catalogue, sink.format(more=""), reason).longest is None


@pytest.mark.parametrize(
    ("privacy", "said"),
    [
        ("{accept: {gone: the disk is encrypted}}", "there is no node 'gone' to accept"),
        ("{accept: {out: ok}}", "privacy.accept.out: String should have at least 10 characters"),
        ("{controler: me}", "privacy.controler: Extra inputs are not permitted"),
    ],
)
def test_a_wrong_declaration_is_told_with_its_place(
    tmp_path: Path, catalogue: Catalogue, privacy: str, said: str
) -> None:
    with pytest.raises(FlowError) as error:
        found_in(tmp_path, catalogue, "{uses: console, from: text}", f"privacy: {privacy}\n")
    assert said in str(error.value)
    assert ":2:" in str(error.value)


def test_the_command_ends_with_1_if_something_is_to_be_changed(tmp_path: Path) -> None:
    path = tmp_path / "gate.yaml"
    path.write_text(READS.format(sink="{uses: lines, from: text, with: {path: a.jsonl}}", privacy=""))
    done = CliRunner().invoke(app, ["privacy", "check", str(path), "--json"])
    assert done.exit_code == 1
    told = json.loads(done.output)
    assert (told["ok"], told["problems"][0]["line"]) == (False, 6)
    path.write_text(READS.format(sink="{uses: console, from: text}", privacy=""))
    done = CliRunner().invoke(app, ["privacy", "check", str(path)])
    assert done.exit_code == 0
    assert "does not say who reads plates and what for" in done.output


def test_a_password_in_an_address_is_not_shown(tmp_path: Path, catalogue: Catalogue) -> None:
    sink = "{uses: webhook, from: text, with: {url: 'http://a.example/b?token=hunter2'}}"
    found = found_in(tmp_path, catalogue, sink)
    assert "hunter2" not in "".join(problem.what + problem.fix for problem in found.problems)


def test_the_car_park_of_the_documents_passes(tmp_path: Path, catalogue: Catalogue) -> None:
    page = (Path(__file__).parents[2] / "docs" / "car-park.md").read_text(encoding="utf-8")
    (tmp_path / "car-park.yaml").write_text(page.split("```yaml\n")[1].split("```")[0])
    found = findings(load_flow(tmp_path / "car-park.yaml", catalogue))
    assert found.problems == []
    assert len(found.remarks) == 1  # What was accepted.


@pytest.mark.parametrize("name", bundled_flows())
def test_the_flows_in_the_box_pass(name: str, catalogue: Catalogue) -> None:
    assert findings(load_flow(bundled_flows()[name], catalogue)).problems == []
