"""What a sound flow becomes, and which flows are sound."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowalpr import Detections, Fault, Frame, Message, PlateRead, Secret
from flowalpr.errors import FlowError
from flowalpr.flow.graph import Graph
from flowalpr.flow.load import bundled_flows, find_flow, load_flow
from flowalpr.plugins import Catalogue

Load = Callable[..., Graph]
GATE = """\
parameters: {url: , at_least: 0.5, rows: 1}
nodes:
  camera: {uses: camera, with: {url: "${url}"}}
  plates: {uses: detect, from: camera}
  text:   {uses: ocr, from: plates}
  sure:   {uses: confident, from: text, with: {at_least: "${at_least}"}}
  once:   {uses: distinct, from: sure, with: {rows: "${rows}"}}
output: once
"""
REPAIR = """\
nodes:
  sure: {uses: confident, from: input}
  once: {uses: distinct, from: sure}
output: once
"""


def test_nodes_come_after_all_that_feed_them_with_what_they_give(load: Load) -> None:
    graph = load(
        """
        nodes:
          show:   {uses: console, from: [gate, text]}
          text:   {uses: ocr, from: plates}
          few:    {uses: rate_limit, from: plates}
          both:   {uses: rate_limit, from: [gate, text]}
          plates: {uses: builtin.detect, from: gate}
          gate:   {uses: camera, with: {url: x}}
        """
    )
    order = list(graph.nodes)
    assert all(order.index(source) < order.index(node.name) for node in graph.nodes.values() for source in node.inputs)
    assert {name: node.gives for name, node in graph.nodes.items()} == {
        "gate": Frame,
        "plates": Detections,
        "text": PlateRead,
        "few": Detections,
        "both": Message,
        "show": None,
    }
    assert graph.nodes["plates"].uses == "builtin.detect"
    assert graph.nodes["show"].inputs == ("gate", "text")
    assert (graph.name, graph.files) == ("flow", (Path("flow.yaml"),))


def test_a_node_that_takes_faults_needs_no_wire(load: Load) -> None:
    graph = load(
        """
        nodes:
          alarm: {uses: rate_limit}
          show:  {uses: console, from: alarm}
          gate:  {uses: camera, with: {url: x}, on_error: alarm}
          keep:  {uses: console, from: gate, on_error: stop}
        """
    )
    assert graph.nodes["gate"].on_error == "alarm"
    assert graph.nodes["keep"].on_error == "stop"
    assert graph.nodes["alarm"].gives is Fault
    assert graph.catches("alarm")


def test_settings_of_the_command_line_replace_those_of_the_file(load: Load) -> None:
    text = "nodes:\n  gate: {uses: camera, with: {url: ${NO}}}\n".replace("${NO}", '"${NO}"')
    graph = load(text, settings={"gate.url": "rtsp://a=b", "gate.fps": "12.5"})
    assert graph.nodes["gate"].node.model_dump() == {"url": "rtsp://a=b", "fps": 12.5}
    plain = load("nodes:\n  gate: {uses: camera}\n", settings={"gate.url": "x"})
    assert plain.nodes["gate"].node.model_dump() == {"url": "x", "fps": None}


def test_a_list_of_the_command_line_is_written_as_in_a_file(load: Load) -> None:
    text = (
        "nodes:\n  gate: {uses: camera, with: {url: u}}\n  p: {uses: detect, from: gate}\n  t: {uses: ocr, from: p}\n"
    )
    text += "  send: {uses: mqtt, from: t}\n"
    topics = load(text, settings={"send.topics": "[a, 'b, c']"}).nodes["send"].node.model_dump()["topics"]
    assert topics == ("a", "b, c")
    with pytest.raises(FlowError, match=r"(?s)--set send.topics  not YAML.*") as raised:
        load(text, settings={"send.topics": "[a, s3cret: {]"})
    assert "s3cret" not in str(raised.value)
    with pytest.raises(FlowError, match=r"--set gate.fps .*\n.*a number"):
        load(text, settings={"gate.fps": "{a: 1}"})


@pytest.mark.parametrize(
    ("value", "environ", "url"),
    [
        ("${URL}", {"URL": "a"}, "a"),
        ("${URL:-b}", {}, "b"),
        ("${URL:-b}", {"URL": ""}, "b"),
        ("x${URL:-}y", {}, "xy"),
        ("${A:-${B:-${C:-c}}}", {"B": "bb"}, "bb"),
        ("${A:-${B:-${C:-c}}}", {}, "c"),
        ("${A:-${MISSING}}", {"A": "a"}, "a"),
        ("$${A}", {}, "${A}"),
        ("${A}", {"A": "${B}"}, "${B}"),
        ("{a}$}{", {}, "{a}$}{"),
        ("${PORT}", {"PORT": "0554"}, "0554"),
    ],
)
def test_references_are_replaced_once(value: str, environ: dict[str, str], url: str, load: Load) -> None:
    graph = load(f'nodes:\n  gate: {{uses: camera, with: {{url: "{value}"}}}}\n', environ)
    assert graph.nodes["gate"].node.model_dump()["url"] == url


def test_a_reference_without_quotes_may_be_a_number(load: Load) -> None:
    graph = load("nodes:\n  gate:\n    uses: camera\n    with:\n      url: x\n      fps: ${FPS:-25}\n")
    assert graph.nodes["gate"].node.model_dump()["fps"] == 25


def test_digits_that_begin_with_0_fit_text_and_numbers(load: Load) -> None:
    graph = load("nodes:\n  gate: {uses: camera, with: {url: 012, fps: 012}}\n")
    assert graph.nodes["gate"].node.model_dump() == {"url": "012", "fps": 12}


def test_flow_dir_is_the_folder_of_the_file(load: Load, tmp_path: Path) -> None:
    graph = load('nodes:\n  gate: {uses: camera, with: {url: "${FLOW_DIR}/x.mp4"}}\n')
    assert graph.nodes["gate"].node.model_dump()["url"] == str(tmp_path / "x.mp4")


def test_a_value_from_the_environment_cannot_add_a_key(errors: Callable[..., str]) -> None:
    text = "nodes:\n  gate:\n    uses: camera\n    with:\n      fps: ${X}\n      url: x\n"
    assert "fps = '1\\nurl: y' does not fit" in errors(text, environ={"X": "1\nurl: y"})


def test_a_secret_stays_a_reference(load: Load) -> None:
    graph = load(
        """
        nodes:
          gate: {uses: camera, with: {url: x}}
          plates: {uses: detect, from: gate}
          text: {uses: ocr, from: plates}
          keep: {uses: store, from: text, with: {key: "env:STORE_KEY"}}
        """,
        {"STORE_KEY": "hunter2"},
    )
    assert dict(graph.nodes["keep"].node)["key"] == Secret("env:STORE_KEY")
    assert "hunter2" not in repr(graph)


def test_two_gates_from_one_description(load: Load) -> None:
    graph = load(
        """
        nodes:
          north: {uses: ./gate.yaml, with: {url: n}}
          south: {uses: ./gate.yaml, with: {url: s, at_least: 0.7}}
          keep:  {uses: store, from: [north, south]}
        """,
        gate=GATE,
    )
    assert graph.nodes["keep"].inputs == ("north/once", "south/once")
    assert graph.nodes["north/text"].inputs == ("north/plates",)
    assert [graph.nodes[f"{side}/camera"].node.model_dump()["url"] for side in ("north", "south")] == ["n", "s"]
    assert [graph.nodes[f"{side}/sure"].node.model_dump()["at_least"] for side in ("north", "south")] == [0.5, 0.7]
    assert graph.files == (Path("flow.yaml"), Path("gate.yaml"))


def test_settings_reach_into_subflows(load: Load) -> None:
    graph = load(
        "nodes:\n  north: {uses: ./gate.yaml}\n",
        settings={"north.url": "u", "north/once.cool_down": "7 s"},
        gate=GATE,
    )
    assert graph.nodes["north/camera"].node.model_dump()["url"] == "u"
    assert graph.nodes["north/once"].node.model_dump()["cool_down"] == timedelta(seconds=7)


def test_a_flow_with_parameters_runs_by_itself(load: Load) -> None:
    assert load(GATE, settings={"url": "u", "rows": "3"}).nodes["once"].node.model_dump()["rows"] == 3


def test_a_subflow_takes_in_what_its_parent_wires(load: Load) -> None:
    graph = load(
        """
        nodes:
          gate:  {uses: camera, with: {url: x}}
          find:  {uses: detect, from: gate}
          text:  {uses: ocr, from: find}
          again: {uses: ocr, from: find}
          fix:   {uses: ./outer.yaml, from: [text, again]}
          keep:  {uses: store, from: fix}
        """,
        outer="nodes:\n  inner: {uses: ./repair.yaml, from: input}\noutput: inner\n",
        repair=REPAIR,
    )
    assert graph.nodes["fix/inner/sure"].inputs == ("text", "again")
    assert graph.nodes["keep"].inputs == ("fix/inner/once",)


def test_a_wrong_type_for_a_subflow_is_shown_where_it_is_wired(errors: Callable[..., str]) -> None:
    text = "nodes:\n  gate: {uses: camera, with: {url: x}}\n  fix: {uses: ./repair.yaml, from: gate}\n"
    said = errors(text, repair=REPAIR)
    assert said.startswith("flow.yaml:3:36  node 'fix/sure' (confident): 'gate' gives Frame")


def test_a_subflow_hands_its_on_error_down(load: Load) -> None:
    graph = load(
        "nodes:\n  north: {uses: ./gate.yaml, with: {url: x}, on_error: alarm}\n  alarm: {uses: alarm}\n",
        gate=GATE.replace("from: text,", "from: text, on_error: stop,"),
    )
    assert graph.nodes["north/plates"].on_error == "alarm"
    assert graph.nodes["north/sure"].on_error == "stop"


def test_a_list_as_parameter_stays_a_list(load: Load) -> None:
    sender = """
        parameters: {topics: []}
        nodes:
          send: {uses: mqtt, from: input, with: {topics: "${topics}"}}
        """
    graph = load(
        """
        nodes:
          gate: {uses: ./gate.yaml, with: {url: x}}
          out:  {uses: ./send.yaml, from: gate, with: {topics: [a, b]}}
        """,
        gate=GATE,
        send=sender,
    )
    assert graph.nodes["out/send"].node.model_dump()["topics"] == ("a", "b")


def test_subflows_cannot_describe_millions_of_nodes(errors: Callable[..., str]) -> None:
    files = {f"f{n}": f"nodes:\n  a: {{uses: ./f{n + 1}.yaml}}\n  b: {{uses: ./f{n + 1}.yaml}}\n" for n in range(30)}
    said = errors("nodes:\n  a: {uses: ./f0.yaml}\n", f30="nodes:\n  c: {uses: camera, with: {url: x}}\n", **files)
    assert "more than 200 subflows" in said


def test_parameters_cannot_grow_without_bound(errors: Callable[..., str]) -> None:
    ten = ", ".join(['"${p}"'] * 10)
    files = {
        f"f{n}": f"parameters: {{p: x}}\nnodes:\n  a: {{uses: ./f{n + 1}.yaml, with: {{p: [{ten}]}}}}\n"
        for n in range(20)
    }
    assert "this is too large" in errors("nodes:\n  a: {uses: ./f0.yaml}\n", f20="nodes: {}", **files)
    texts = {
        f"f{n}": f'parameters: {{p: xxx}}\nnodes:\n  a: {{uses: ./f{n + 1}.yaml, with: {{p: "{"${p}" * 10}"}}}}\n'
        for n in range(20)
    }
    assert "this is too long" in errors("nodes:\n  a: {uses: ./f0.yaml}\n", f20="nodes: {}", **texts)


def test_a_subflow_that_comes_back_to_itself_is_refused(errors: Callable[..., str]) -> None:
    said = errors("nodes:\n  a: {uses: ./other.yaml}\n", other="nodes:\n  b: {uses: ./flow.yaml}\n")
    assert said.startswith("other.yaml:2:13  node 'a/b': './flow.yaml' would use itself")


def test_a_broken_plugin_matters_only_to_flows_that_use_it(load: Load, errors: Callable[..., str]) -> None:
    assert load("nodes:\n  gate: {uses: camera, with: {url: x}}\n").nodes
    assert "plugin 'paddle' 0.3 failed to load" in errors("nodes:\n  a: {uses: paddle.ocr}\n")


def test_a_flow_in_the_box_is_found_by_its_bare_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert find_flow("parking") == bundled_flows()["parking"]
    assert find_flow("own.yaml") == Path("own.yaml")
    Path("parking").write_text("nodes: {}")
    assert find_flow("parking") == Path("parking")
    with pytest.raises(FlowError, match=r"did you mean 'parking'\?"):
        find_flow("parkin")


KEYS = st.sampled_from(["flow", "nodes", "uses", "from", "with", "on_error", "output", "parameters", "a", "b", "url"])
TEXTS = st.sampled_from(
    ["camera", "ocr", "rate_limit", "console", "./flow.yaml", "a", "b", "skip", "input", "${a}", "${", "", "\0", "é"]
)
TREES = st.recursive(
    TEXTS | st.none() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)
NODES = st.dictionaries(st.sampled_from("abc"), st.dictionaries(KEYS, TEXTS | TREES, max_size=4) | TREES, max_size=3)


@settings(deadline=None, max_examples=50)  # The machine that runs it may be busy.
@given(st.fixed_dictionaries({"nodes": NODES}, optional={"parameters": TREES, "output": TREES, "flow": TREES}), TREES)
def test_no_flow_makes_loading_fail_otherwise(catalogue: Catalogue, flow: object, value: object) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "flow.yaml"
        path.write_text(json.dumps(flow), encoding="utf-8")
        with suppress(FlowError):
            load_flow(path, catalogue, settings={"a.url": str(value), "b": str(value)}, environ={"b": "${a}"})


@pytest.mark.slow
def test_checking_loads_no_runtime_and_no_networkx(tmp_path: Path) -> None:
    (tmp_path / "flow.yaml").write_text(
        "nodes:\n  gate: {uses: camera, with: {url: 0}}\n  s: {uses: console, from: gate}"
    )
    code = (
        "import sys; from pathlib import Path; from flowalpr.flow.load import load_flow; "
        "from flowalpr.plugins import load_plugins; load_flow(Path('flow.yaml'), load_plugins()); "
        "print({'cv2', 'onnxruntime', 'networkx', 'av', 'torch', 'numpy', 'sqlalchemy'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=60, env=dict(os.environ)
    )
    assert done.stdout == "set()\n", done.stderr
