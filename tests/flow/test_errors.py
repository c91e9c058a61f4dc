"""What people are told about wrong flow files: the texts are golden files, to be read as an operator would."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from flowalpr.errors import FlowError
from flowalpr.flow.load import load_flow
from flowalpr.plugins import load_plugins

GOLDEN = Path(__file__).parents[1] / "golden" / "errors"
GATE = """\
flow: gate
parameters: {url: , at_least: 0.5}
nodes:
  camera: {uses: camera, with: {url: "${url}"}}
  plates: {uses: detect, from: camera}
  text:   {uses: ocr, from: plates}
  sure:   {uses: confident, from: text, with: {at_least: "${at_least}"}}
output: sure
"""
CASES: dict[str, str] = {
    "types": """\
flow: parking
nodes:
  gate:   {uses: camera,    with: {url: "rtsp://10.0.0.5/main"}}
  plates: {uses: detect,    from: gate}
  text:   {uses: ocr,       from: gate}
  sure:   {uses: confident, from: [gate, text]}
  show:   {uses: console,   from: sure}
  more:   {uses: confident, from: show}
  mixed:  {uses: rate_limit, from: [gate, text]}
  last:   {uses: store, from: mixed}
""",
    "names": """\
flow: parking
nods: {}
nodes:
  gate:   {uses: camra,  with: {url: 0}}
  cam:    {uses: camera, with: {urll: 0}, form: gate}
  plates: {uses: detect, from: gat}
  text:   {uses: ocr,    from: [plates, plates], on_error: sikp}
  shared: {uses: shared, from: text}
  old:    {uses: paddle.ocr, from: plates}
  "a b":  {uses: console, from: text}
  input:  {uses: console, from: text}
output: txt
""",
    "settings": """\
nodes:
  gate:   {uses: camera, with: {fps: fast}}
  bare:   {uses: camera}
  list:   {uses: camera, with: [url]}
  plates: {uses: detect, from: gate, with: {model: plate-detector}}
  text:   {uses: ocr,    from: plates, with: {model: x}}
  sure:   {uses: confident, from: text, with: {at_least: 80}}
  once:
    uses: distinct
    from: sure
    with: {cool_down: 10, keep: frst, rows: 1.5}
  send:   {uses: mqtt, from: once, with: {host: 123, topics: [a, {b: 1}]}}
  keep:   {uses: store, from: once, with: {path: [], key: }}
""",
    "secrets": """\
nodes:
  gate: {uses: camera, with: {url: "rtsp://admin:hunter2@10.0.0.5/main", fps: x}}
  two:  {uses: camera, with: {url: [http://token-hunter2@cam/x]}}
  send: {uses: mqtt, from: gate, with: {host: 5, password: hunter2}}
  keep: {uses: store, from: gate, with: {key: hunter2}}
  typo: {uses: mqt, from: gate, with: {password: "hunter2"}}
""",
    "loops": """\
nodes:
  gate: {uses: camera, with: {url: 0}}
  a:    {uses: rate_limit, from: [gate, c]}
  b:    {uses: rate_limit, from: a}
  c:    {uses: rate_limit, from: b}
  self: {uses: rate_limit, from: self}
  f:    {uses: console, from: gate, on_error: g}
  g:    {uses: rate_limit, on_error: f}
""",
    "feeding": """\
nodes:
  gate:   {uses: camera, from: show, with: {url: 0}}
  plates: {uses: detect}
  alarm:  {uses: alarm}
  show:   {uses: console, from: input}
  text:   {uses: ocr, from: plates, on_error: gate}
  keep:   {uses: store, from: text, on_error: text}
""",
    "references": """\
nodes:
  gate: {uses: camera, with: {url: "${GATE_URL}", fps: "${FPS:-high}"}}
  two:  {uses: camera, with: {url: "${FLOW_DRI}/clip.mp4"}}
  tre:  {uses: camera, with: {url: "${A:-${B}}"}}
  open: {uses: camera, with: {url: "${A:-x"}}
  odd:  {uses: camera, with: {url: "${A-x}"}}
""",
    "reference-without-quotes": "nodes:\n  gate: {uses: camera, with: {url: ${GATE_URL}}}\n",
    "references-in-block": """\
nodes:
  gate:
    uses: camera
    with:
      url: ${GATE_URL}
      fps: ${FPS:-high}
""",
    "subflow": """\
flow: two
nodes:
  north: {uses: ./gate.yaml, with: {ulr: "rtsp://north"}}
  south: {uses: ./gate.yaml, with: {url: s, at_least: 7}}
  west:  {uses: ./gate.yaml, from: south, with: {url: w}}
  east:  {uses: ./missing.yaml}
  self:  {uses: ./flow.yaml}
  keep:  {uses: store, from: [north, east, self]}
""",
    "empty": "",
    "text": "hello\n",
    "list": "- a\n- b\n",
    "no-nodes": "flow: parking\nnodes:\n",
    "nodes-without-content": "nodes:\n  gate:\n  plates: detect\n",
    "twice": "nodes:\n  gate: {uses: camera, with: {url: 0, url: 1}}\n  gate: {uses: camera}\n",
    "merge": "nodes:\n  a: &a {uses: camera, with: {url: 0}}\n  b: {<<: *a}\n",
    "tag": "nodes:\n  a: {uses: !!python/name:os.system camera}\n",
    "tabs": "nodes:\n\tgate: {uses: camera}\n",
    "colon": "nodes:\n  gate: {uses: camera}\n plates: {uses: detect}\n",
    "alias-unknown": "nodes:\n  a: *b\n",
    "alias-inside-itself": "nodes: &a\n  b: *a\n",
    "two-documents": "nodes: {a: {uses: camera, with: {url: 0}}}\n---\nnodes: {}\n",
    "old-yaml": "%YAML 1.1\n---\nnodes: {a: {uses: on}}\n",
    "yes-and-no": """\
nodes:
  on:  {uses: camera, with: {url: no, fps: yes}}
  off: {uses: console, from: on, on_error: no}
""",
    "deep": "nodes: " + "[" * 40,
}


@pytest.mark.parametrize("name", CASES)
def test_the_words_of_an_error_are_those_we_accepted(
    name: str, errors: Callable[..., str], golden: Callable[[Path, str], None]
) -> None:
    text = CASES[name]
    golden(GOLDEN / f"{name}.txt", f"{text}\n{'-' * 100}\n\n{errors(text, gate=GATE)}\n")


def test_settings_of_the_command_line_are_named_as_such(
    errors: Callable[..., str], golden: Callable[[Path, str], None]
) -> None:
    text = "nodes:\n  gate: {uses: camera, with: {url: 0}}\n  north: {uses: ./gate.yaml, with: {url: x}}\n"
    settings = {
        "gate.urll": "5",
        "gaet.url": "6",
        "gate.fps": "x",
        "url": "7",
        "north.at_least": "8",
        "north/sur.x": "9",
    }
    said = errors(text, settings=settings, gate=GATE)
    golden(GOLDEN / "command-line.txt", f"{text}\n{settings}\n{'-' * 100}\n\n{said}\n")


def test_no_error_shows_a_password(errors: Callable[..., str]) -> None:
    said = errors(CASES["secrets"])
    assert "hunter2" not in said
    assert "10.0.0.5" in said


def test_a_password_in_yaml_that_cannot_be_read_is_not_shown(errors: Callable[..., str]) -> None:
    assert "hunter2" not in errors("nodes: {send: {uses: mqtt, with: {password: hunter2, broker: a: b}}}")


def test_a_password_from_the_environment_is_not_shown(errors: Callable[..., str]) -> None:
    text = 'nodes:\n  gate: {uses: camera, with: {url: "${URL}", fps: "${URL}"}}\n'
    assert "hunter2" not in errors(text, environ={"URL": "rtsp://me:hunter2@10.0.0.5/main"})


def test_a_mistake_in_a_subflow_used_twice_is_said_once(errors: Callable[..., str]) -> None:
    text = "nodes:\n  a: {uses: ./gate.yaml, with: {url: a}}\n  b: {uses: ./gate.yaml, with: {url: b}}\n"
    said = errors(text, gate=GATE.replace("uses: ocr", "uses: ocrr"))
    assert said.count("there is no node 'ocrr'") == 1
    assert said.startswith("gate.yaml:6:18")


def test_a_file_with_very_many_mistakes_shows_the_first_of_them(errors: Callable[..., str]) -> None:
    said = errors("nodes:\n" + "".join(f"  n{number}: {{uses: nothing}}\n" for number in range(200)))
    assert said.count("there is no node") == 50
    assert said.endswith("and 150 more")


def test_text_that_would_steer_a_terminal_is_not_printed(errors: Callable[..., str]) -> None:
    said = errors('nodes:\n  "\\e[31m": {uses: "\\ud800\\a"}\n')
    assert said.isprintable() or all(line.isprintable() for line in said.splitlines())


def test_a_password_on_the_command_line_is_not_shown(errors: Callable[..., str]) -> None:
    text = "nodes:\n  gate: {uses: camera, with: {url: x}}\n  send: {uses: mqtt, from: gate}\n"
    said = errors(text, settings={"send.password": "hunter2", "sned.password": "hunter2", "gate.fps": "x"})
    assert "--set send.password  node 'send' (mqtt): 'password' is written out" in said
    assert "hunter2" not in said


def test_a_password_whose_key_is_misspelt_is_not_shown_either(tmp_path: Path) -> None:
    path = tmp_path / "flow.yaml"
    path.write_text(
        "nodes:\n  cam: {uses: camera, with: {url: 0, pasword: hunter2secret}}\n  s: {uses: console, from: cam}\n"
    )
    with pytest.raises(FlowError) as error:
        load_flow(path, load_plugins())
    assert "did you mean 'password'?" in str(error.value)
    assert "hunter2secret" not in str(error.value)


def test_a_parameter_without_a_default_that_is_not_given_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "flow.yaml"
    path.write_text(
        "parameters:\n  url:\nnodes:\n  cam: {uses: camera, with: {url: '${url}'}}\n  s: {uses: console, from: cam}\n"
    )
    with pytest.raises(FlowError, match="needs the parameter 'url'"):
        load_flow(path, load_plugins())
