"""Settings carry their checks: durations with units, and secrets that are never written down."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from flowalpr import Duration, Message, Node, Secret, SetupError


class Waits(Node):
    every: Duration = timedelta(seconds=2)
    password: Secret = Secret("env:NOWHERE")

    def process(self, message: Message) -> None: ...


@pytest.mark.parametrize(
    ("text", "seconds"), [("300 ms", 0.3), ("2s", 2), ("1.5 min", 90), (" 1 h ", 3600), ("30 d", 2_592_000)]
)
def test_a_duration_is_a_number_and_a_unit(text, seconds):
    assert Waits(every=text).every == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["2", 2, "2 parsecs", "", "s", "-1 s", "1e99 d", "99999999999999 d", None])
def test_anything_else_is_refused_with_the_units_named(text):
    with pytest.raises(ValidationError, match=r"ms, s, min, h, d|longer than"):
        Waits(every=text)


@given(st.text())
def test_no_text_makes_a_duration_crash(text):
    with suppress(ValidationError):
        assert Waits(every=text).every >= timedelta()


def test_a_secret_is_read_from_the_environment_or_a_file_when_it_is_needed(tmp_path, monkeypatch):
    monkeypatch.setenv("GATE_PASSWORD", "opensesame")
    assert Waits(password="env:GATE_PASSWORD").password.reveal() == "opensesame"
    (tmp_path / "secret").write_text("opensesame\n")
    assert Waits(password=f"file:{tmp_path}/secret").password.reveal() == "opensesame"


def test_a_secret_written_in_the_flow_file_is_refused_and_not_repeated():
    with pytest.raises(ValidationError) as caught:
        Waits(password="opensesame")
    (problem,) = caught.value.errors()
    assert "opensesame" not in problem["msg"]
    assert "env:NAME" in problem["msg"]


@pytest.mark.parametrize("reference", ["env:NOT_SET_ANYWHERE", "file:/nowhere/at/all"])
def test_a_secret_that_is_not_there_is_told_with_its_reference(reference):
    with pytest.raises(SetupError, match=reference.split(":")[1]):
        Secret(reference).reveal()


def test_printing_a_node_prints_where_its_secret_is_and_not_what_it_is(monkeypatch):
    monkeypatch.setenv("GATE_PASSWORD", "opensesame")
    node = Waits(password="env:GATE_PASSWORD")
    assert "opensesame" not in repr(node) + str(node.model_dump())
    assert "env:GATE_PASSWORD" in repr(node)


def test_a_credential_is_read_from_where_the_service_manager_put_it(tmp_path, monkeypatch):
    (tmp_path / "gate").write_text("opensesame\n")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert Waits(password="credential:gate").password.reveal() == "opensesame"


def test_a_credential_without_a_service_manager_says_how_to_get_it(monkeypatch):
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    with pytest.raises(SetupError, match=r"docs/service\.md"):
        Waits(password="credential:gate").password.reveal()
