"""What an editor says about flow files by the JSON Schema agrees with what `flowalpr check` says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from flowalpr.flow.document import parse_document
from flowalpr.flow.load import bundled_flows
from flowalpr.flow.schema import flow_schema
from flowalpr.flow.values import plain
from flowalpr.plugins import Catalogue, load_plugins


@pytest.fixture(scope="module")
def schema(catalogue: Catalogue) -> dict[str, Any]:
    return flow_schema(catalogue)


@pytest.fixture(scope="module")
def installed() -> Draft202012Validator:
    return Draft202012Validator(flow_schema(load_plugins()))


def complaints(schema: dict[str, Any], text: str) -> list[str]:
    flow = plain(parse_document(text, "flow.yaml"))
    errors = Draft202012Validator(schema).iter_errors(flow)
    return ["/".join(map(str, error.absolute_path)) for error in sorted(errors, key=lambda error: error.path)]


def test_it_is_a_json_schema(schema: dict[str, Any], installed: Draft202012Validator) -> None:
    Draft202012Validator.check_schema(schema)
    Draft202012Validator.check_schema(installed.schema)


@pytest.mark.parametrize("path", bundled_flows().values(), ids=lambda path: path.stem)
def test_flows_in_the_box_are_right(path: Path, installed: Draft202012Validator) -> None:
    flow = plain(parse_document(path.read_text(encoding="utf-8"), path.name))
    assert list(installed.iter_errors(flow)) == []


@pytest.mark.parametrize(
    "node",
    [
        "{uses: camera, with: {url: x}}",
        "{uses: builtin.camera, with: {url: x, fps: 5}}",
        '{uses: camera, with: {url: x, fps: "${FPS:-5}"}}',
        "{uses: detect, from: a}",
        "{uses: distinct, from: [a, b], with: {cool_down: 300 ms, keep: best}, on_error: stop}",
        "{uses: ./gate.yaml, with: {whatever: [1, 2]}}",
        "{uses: one.shared, from: a}",
        "{uses: alarm}",
        "{uses: mqtt, from: a, with: {password: env:X, topics: [a]}}",
    ],
)
def test_right_nodes_are_right(node: str, schema: dict[str, Any]) -> None:
    assert complaints(schema, f"nodes: {{n: {node}}}") == []


@pytest.mark.parametrize(
    ("node", "where"),
    [
        ("{uses: camra}", "nodes/n/uses"),
        ("{uses: shared, from: a}", "nodes/n/uses"),
        ("{from: a}", "nodes/n"),
        ("{uses: camera}", "nodes/n"),
        ("{uses: camera, with: {urll: x}}", "nodes/n/with"),
        ("{uses: camera, from: a, with: {url: x}}", "nodes/n/from"),
        ("{uses: camera, with: {url: x, fps: fast}}", "nodes/n/with/fps"),
        ("{uses: detect, form: a}", "nodes/n"),
        ("{uses: detect, from: 5}", "nodes/n/from"),
        ("{uses: confident, from: a, with: {at_least: 80}}", "nodes/n/with/at_least"),
        ("{uses: distinct, from: a, with: {cool_down: 10}}", "nodes/n/with/cool_down"),
        ("{uses: distinct, from: a, with: {cool_down: 10 parsecs}}", "nodes/n/with/cool_down"),
        ("{uses: distinct, from: a, with: {keep: worst}}", "nodes/n/with/keep"),
        ("{uses: mqtt, from: a, with: {password: hunter2}}", "nodes/n/with/password"),
        ("camera", "nodes/n"),
    ],
)
def test_wrong_nodes_are_wrong_where_they_are(node: str, where: str, schema: dict[str, Any]) -> None:
    assert where in complaints(schema, f"nodes: {{n: {node}}}")


@pytest.mark.parametrize("text", ["flow: a", "nodes: {}", "nodes: {'a b': {uses: alarm}}", "nodes: []", "nods: {}"])
def test_wrong_flows_are_wrong(text: str, schema: dict[str, Any]) -> None:
    assert complaints(schema, text)


def test_editors_have_something_to_show(schema: dict[str, Any]) -> None:
    url = schema["$defs"]["builtin.camera"]["properties"]["url"]
    assert url["description"] == "Where the camera is.\n\nTakes text."
    assert schema["$defs"]["builtin.distinct"]["properties"]["cool_down"]["default"] == "10 s"
    assert schema["$defs"]["builtin.confident"]["properties"]["at_least"]["default"] == 0.8
    uses = schema["$defs"]["node"]["properties"]["uses"]["anyOf"]
    assert {"const": "camera", "description": "Frames of a camera."} in uses
