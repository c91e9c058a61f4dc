"""Lines on a terminal and in a pipe."""

from __future__ import annotations

import io
import os
import pty
import subprocess
import sys
import threading
from dataclasses import replace

import pytest

from flowalpr import Detections
from flowalpr.testing import feed, passage, plate_frame, plate_read
from flowalpr_builtin.sinks.console import Console

PRINT_FOR_EVER = """
from flowalpr.testing import feed, plate_read
from flowalpr_builtin.sinks.console import Console
feed(Console(), *[plate_read("AB123CD")] * 20000)
print("the flow went on", file=__import__("sys").stderr)
"""


def test_a_pipe_gets_plain_columns(capsys: pytest.CaptureFixture[str]) -> None:
    feed(Console(), plate_read("AB123CD", 0.974, camera="gate"))
    time, *columns = capsys.readouterr().out.rstrip("\n").split("\t")
    assert columns == ["gate", "AB123CD", "-", "97%"]
    assert len(time) == len("12:00:00.000")


def test_a_passage_shows_its_plate_or_why_there_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    feed(Console(), passage("AB1"), replace(passage("AB1"), stage="preview"), passage("", 0.0, reason="too small"))
    lines = [line.split("\t")[2:] for line in capsys.readouterr().out.splitlines()]
    assert lines == [["AB1", "-", "90%"], ["AB1", "-", "90% preview"], ["(too small)", "-", "0%"]]


def test_any_other_message_is_shown_by_its_fields(capsys: pytest.CaptureFixture[str]) -> None:
    feed(Console(), Detections(plate_frame()))
    assert "Detections\tframe=0\tfile=\twidth=640\theight=360\tfound=[]" in capsys.readouterr().out


def test_a_hostile_text_stays_on_its_line_and_cannot_steer_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    feed(Console(), plate_read("\x1b[2J\n\r\tA\udc80[bold]", camera="\x07gate"))
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    assert "\x1b" not in out
    assert "A�[bold]" in out


def test_what_the_output_cannot_show_is_replaced(capsys: pytest.CaptureFixture[str]) -> None:
    sys.stdout.reconfigure(encoding="ascii")  # type: ignore[union-attr]
    feed(Console(), plate_read("京A12345"))
    assert "?A12345" in capsys.readouterr().out


@pytest.mark.slow
def test_a_terminal_gets_a_line_a_read_with_markup_shown_as_text() -> None:
    said = _on_a_terminal("feed(Console(), plate_read('A[red]1', 1.0), plate_read('京A12345', 0.5))")
    assert len(said.strip().splitlines()) == 2
    assert "A[red]1" in said
    assert "京A12345" in said


@pytest.mark.slow
def test_when_the_reader_of_a_pipe_goes_away_the_flow_goes_on_without_a_traceback() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PRINT_FOR_EVER], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as run:
        assert run.stdout
        run.stdout.readline()
        run.stdout.close()
        assert run.stderr
        said = run.stderr.read().decode()
        assert run.wait(timeout=30) == 0
    assert "Traceback" not in said
    assert "Exception" not in said
    assert said.count("nobody reads the output any more") == 1
    assert "the flow went on" in said


def _on_a_terminal(code: str) -> str:
    """What Python code prints on a terminal of 80 columns."""
    lines = "from flowalpr.testing import *; from flowalpr_builtin.sinks.console import Console; " + code
    master, slave = pty.openpty()
    collected = io.BytesIO()

    def collect() -> None:
        try:
            while part := os.read(master, 4096):
                collected.write(part)
        except OSError:
            pass  # Linux says so when the other end is closed.

    reader = threading.Thread(target=collect)
    reader.start()
    environment = {**os.environ, "COLUMNS": "80", "TERM": "xterm", "PYTHONIOENCODING": "utf-8"}
    subprocess.run([sys.executable, "-c", lines], stdout=slave, env=environment, check=True, timeout=30)
    os.close(slave)
    reader.join(timeout=5)
    os.close(master)
    return collected.getvalue().decode()
