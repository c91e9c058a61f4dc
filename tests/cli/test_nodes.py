"""`flowalpr nodes`: every node in its table, and its manual page."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner, Result

from flowalpr.cli.main import app
from flowalpr.errors import FlowError
from flowalpr.plugins import load_plugins


def nodes(*arguments: str) -> Result:
    return CliRunner(env={"COLUMNS": "200"}).invoke(app, ["nodes", *arguments])


def test_every_node_has_a_row_below_its_kind() -> None:
    lines = nodes().output.splitlines()
    names = {offer.name for offer in load_plugins()}
    assert names <= {word for line in lines for word in line.split()}
    firsts = [line.split()[0] for line in lines if not line.startswith(" ")]
    assert [kind for kind in firsts if kind in ("source", "filter", "sink")] == ["source", "filter", "sink"]


def test_a_row_says_what_a_node_takes_and_gives() -> None:
    words = nodes().output.split()
    at = words.index("detect_text")
    assert words[at + 1 : at + 3] == ["Frame", "Detections"]


def test_the_manual_page_has_settings_with_limits_units_defaults_and_help() -> None:
    page = nodes("show", "distinct").output
    assert page.startswith("builtin.distinct\n  takes PlateRead, gives PlateRead\n")
    assert "cool_down  a duration with its unit (ms, s, min, h, d); default" in page
    assert "at_least  a number from 0 to 1; default 0." in nodes("show", "builtin.confident").output
    assert "url  text or a whole number such as rtsp://10.0.0.5/main" in nodes("show", "camera").output


def test_scripts_get_all_of_it() -> None:
    told = json.loads(nodes("--json").output)
    camera = next(node for node in told["nodes"] if node["name"] == "camera")
    assert (camera["kind"], camera["takes"], camera["gives"], camera["plugin"]) == ("source", [], "Frame", "builtin")
    shown = json.loads(nodes("show", "confident", "--json").output)
    assert shown["settings"][0]["name"] == "at_least"
    assert shown["settings"][0]["takes"] == "a number from 0 to 1"


def test_a_misspelt_node_is_answered_with_the_nearest() -> None:
    with pytest.raises(FlowError, match="there is no node 'camra'\n  to fix    did you mean 'camera'"):
        raise nodes("show", "camra").exception or AssertionError


def test_without_plugins_it_says_how_to_install_some() -> None:
    others = [f"--no-plugin={plugin}" for plugin in {offer.plugin for offer in load_plugins()}]
    assert "pip install" in nodes(*others).output
