"""Hostile files cost little and end in an error that says what is wrong."""

from __future__ import annotations

import json
import os
import re
import tempfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from flowalpr.errors import FlowError
from flowalpr.flow.document import MAX_BYTES, parse_document, read_document
from flowalpr.flow.values import Mapping, plain


def said(content: bytes, tmp_path: Path) -> str:
    path = tmp_path / "flow.yaml"
    path.write_bytes(content)
    with pytest.raises(FlowError) as caught:
        read_document(path, "flow.yaml")
    return str(caught.value)


def test_a_value_knows_where_it_was_written() -> None:
    root = parse_document("flow: a\nnodes:\n  gate: {uses: 'camera'}  # here\n", "f.yaml")
    nodes = root.get("nodes")
    assert isinstance(nodes, Mapping)
    gate = nodes.get("gate")
    assert isinstance(gate, Mapping)
    uses = gate.get("uses")
    assert uses is not None
    assert str(uses.place) == "f.yaml:3:16"
    assert uses.place.length == len("'camera'")
    assert uses.place.source == "  gate: {uses: 'camera'}  # here"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("yes", "yes"),
        ("on", "on"),
        ("NO", "NO"),
        ("true", True),
        ("012", "012"),
        ("0", 0),
        ("0.5", 0.5),
        ("-012", -12),
        ("1:30", "1:30"),
        ("2026-11-22", "2026-11-22"),
        ("2026-13-45", "2026-13-45"),
        ("0x1F", 31),
        ("0x", "0x"),
        ("1e3", 1000.0),
        ("~", None),
        ("=", "="),
        ("'5'", "5"),
        ("9" * 5000, "9" * 5000),
        ("-.inf", float("-inf")),
    ],
)
def test_values_mean_what_yaml_1_2_says_and_dates_and_codes_stay_text(text: str, value: object) -> None:
    assert plain(parse_document(f"a: {text}", "f.yaml")) == {"a": value}


def test_yes_no_and_on_are_names_like_others() -> None:
    assert plain(parse_document("on: 1\nyes: 2\nno: 3\n5: 4", "f")) == {"on": 1, "yes": 2, "no": 3, "5": 4}


def test_an_alias_stands_for_the_value_it_names() -> None:
    assert plain(parse_document("a: &x {b: 1}\nc: [*x, *x]", "f")) == {"a": {"b": 1}, "c": [{"b": 1}, {"b": 1}]}


def test_windows_line_ends_and_a_byte_order_mark_are_taken(tmp_path: Path) -> None:
    path = tmp_path / "flow.yaml"
    path.write_bytes("\ufeffflow: a\r\nnodes: {}\r\n".encode())
    root = read_document(path)
    assert plain(root) == {"flow": "a", "nodes": {}}
    key = root.key("nodes")
    assert key is not None
    assert key.place.line == 2


@pytest.mark.parametrize("content", [b"", b"   \n\n", b"# nothing\n", b"---\n", b"~\n"])
def test_an_empty_file_is_called_empty(content: bytes, tmp_path: Path) -> None:
    assert "the file is empty" in said(content, tmp_path)


def test_a_binary_file_is_not_a_flow(tmp_path: Path) -> None:
    assert "flow.yaml:1:1  byte 0x89 is not UTF-8 text" in said(b"\x89PNG\r\n\x1a\n" + os.urandom(100), tmp_path)


def test_control_characters_are_named(tmp_path: Path) -> None:
    assert "flow.yaml:2:1  the character U+0000 is not allowed" in said(b"a: 1\nb: \0\n", tmp_path)


def test_other_encodings_are_named_with_the_line(tmp_path: Path) -> None:
    assert "flow.yaml:2:1  byte 0xFC is not UTF-8 text" in said("a: 1\nb: Tür\n".encode("latin-1"), tmp_path)
    assert "UTF-8" in said("a: 1\n".encode("utf-16"), tmp_path)


def test_a_file_of_50_megabytes_is_refused_without_reading_it(tmp_path: Path) -> None:
    path = tmp_path / "flow.yaml"
    with path.open("wb") as file:
        file.truncate(50_000_000)
    with pytest.raises(FlowError, match=f"larger than a flow file can be \\({MAX_BYTES // 1000} kB\\)"):
        read_document(path)


def test_an_alias_bomb_is_refused_without_writing_it_out(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 30)]
    assert "more than 50000 values, aliases (*name) written out" in said("\n".join(lines).encode(), tmp_path)


def test_deep_nesting_is_refused(tmp_path: Path) -> None:
    assert "nested more than 30 deep" in said(b"a: " + b"[" * 100_000, tmp_path)
    assert "nested more than 30 deep" in said(b"a: " + b"{a: " * 50_000, tmp_path)
    assert "nested more than 30 deep" in said(b"\n".join(b" " * n + b"a:" for n in range(500)), tmp_path)


def test_what_is_no_file_is_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name, what in (("pipe", "is not a file"), ("", "is not a file"), ("missing", "there is no file")):
        with pytest.raises(FlowError, match=what):
            read_document(tmp_path / name)
    with pytest.raises(FlowError):
        read_document(Path("a\0b"))
    with pytest.raises(FlowError):
        read_document(tmp_path / ("n" * 5000))


def written(value: object) -> str:
    """The value as JSON, which is YAML too, if what YAML takes for a line end or refuses is written as an escape."""
    unsafe = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
    return unsafe.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(value, ensure_ascii=False))


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=50), inner, max_size=4),
    max_leaves=10,
)


@settings(deadline=None, max_examples=50)
@given(VALUES)
@example("\U00010000\x85\u2028\x7f\0 : # \t")
@example("<<")
@example("2026-11-22")
def test_values_come_back_as_they_were_written(value: object) -> None:
    assert plain(parse_document(written({"a": value}), "f")) == {"a": value}


@settings(deadline=None, max_examples=50)
@given(st.binary(max_size=300))
@example(b'a: "\\UFFFFFFFF"')
@example(b"a: !!timestamp x")
@example(b"? - a\n: - b")
@example(b"%YAML 9.9\n---\na: 1")
@example(b"%TAG ! a\n---\n!a b: 1")
@example(b"a: |9\n x")
@example(b"&a a: *a")
def test_no_bytes_make_reading_fail_otherwise(content: bytes) -> None:
    with tempfile.NamedTemporaryFile() as file:
        file.write(content)
        file.flush()
        with suppress(FlowError):
            plain(read_document(Path(file.name)))


@settings(deadline=None, max_examples=50)
@given(st.text(alphabet="abn:{}[]&*!|>'\"%@`#,-?~<=$ \n\t\\0x", max_size=60))
def test_no_text_makes_reading_fail_otherwise(text: str) -> None:
    with suppress(FlowError):
        plain(parse_document(text, "f"))
