"""`flowalpr run` as an operator meets it: a process, a flow file, signals and exit codes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow  # Each starts a process or two.


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start `flowalpr run` on the text of a flow file, in an empty folder."""
    started: list[subprocess.Popen[str]] = []

    def start_flow(text: str, *options: str) -> subprocess.Popen[str]:
        (tmp_path / "flow.yaml").write_text(text, encoding="utf-8")
        started.append(
            subprocess.Popen(
                [sys.executable, "-m", "flowalpr", "run", "flow.yaml", "--summary", "json", *options],
                cwd=tmp_path,
                env={**os.environ, "FLOWALPR_STATE": str(tmp_path / "state")},
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
        return started[-1]

    yield start_flow
    for process in started:
        process.kill()
        process.communicate()


def lines_of(path: Path) -> list[dict]:
    """The whole lines of a file that may still be written."""
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]


def until(condition: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 100
    while not condition():
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            raise AssertionError(f"it did not happen; the process said: {process.communicate()}")
        time.sleep(0.02)


def said(process: subprocess.Popen[str], words: str) -> Callable[[], bool]:
    """Whether the process has said these words on standard error by now, after what was looked for before."""
    heard: list[str] = []
    os.set_blocking(process.stderr.fileno(), False)

    def look() -> bool:
        heard.append(process.stderr.readline() or "")
        return words in heard[-1]

    return look


def summary_of(process: subprocess.Popen[str]) -> dict:
    """The run's summary; the process must end by itself."""
    _, errors = process.communicate(timeout=30)
    return next(json.loads(line) for line in errors.splitlines() if line.startswith('{"flow"'))


def given(summary: dict, node: str) -> int:
    return next(each["given"] for each in summary["nodes"] if each["name"] == node)


TICKING = """
flow: ticking
nodes:
  tick: {uses: timer, with: {every: 10 ms}}
  file: {uses: lines, from: tick, with: {path: ticks.jsonl}}
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_flow_in_order_and_all_that_was_sent_is_stored(start, tmp_path, number):
    process = start(TICKING)
    until(lambda: len(lines_of(tmp_path / "ticks.jsonl")) >= 5, process)
    process.send_signal(number)
    summary = summary_of(process)
    assert process.returncode == 0
    assert [tick["frame"] for tick in lines_of(tmp_path / "ticks.jsonl")] == list(range(given(summary, "tick")))


def test_ctrl_c_ends_a_flow_whose_node_hangs_as_it_opens(start, tmp_path):
    os.mkfifo(tmp_path / "film.mp4")  # Nobody writes it, so the node that opens it for reading hangs.
    process = start(
        TICKING.replace("{uses: timer, with: {every: 10 ms}}", "{uses: video, with: {path: film.mp4}}"), "-v"
    )
    until(said(process, "builtin.video"), process)
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 0
    os.set_blocking(process.stderr.fileno(), True)
    assert "stopped before node 'tick' was open" in process.stderr.read()


def test_a_flow_ends_by_itself_with_its_source(start, tmp_path):
    process = start(TICKING.replace("every: 10 ms", "every: 10 ms, count: 7"))
    assert given(summary_of(process), "tick") == 7
    assert process.returncode == 0
    assert len(lines_of(tmp_path / "ticks.jsonl")) == 7


def test_a_wrong_flow_file_is_explained_with_exit_code_2_and_no_traceback(start):
    process = start(TICKING.replace("uses: lines", "uses: linse"))
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 2
    assert "flow.yaml:5:" in errors
    assert "did you mean 'lines'?" in errors
    assert "Traceback" not in errors


def test_a_sink_that_cannot_open_ends_the_run_with_exit_code_1_and_says_which(start, tmp_path):
    (tmp_path / "ticks.jsonl").mkdir()
    process = start(TICKING)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 1
    assert "node 'file' cannot start" in errors
    assert "Traceback" not in errors


def test_settings_are_changed_from_the_command_line(start, tmp_path):
    process = start(TICKING, "--set", "file.path=elsewhere.jsonl", "--set", "tick.count=3")
    summary_of(process)
    assert len(lines_of(tmp_path / "elsewhere.jsonl")) == 3
    assert not (tmp_path / "ticks.jsonl").exists()


def test_a_changed_file_is_taken_over_and_a_wrong_one_is_refused_while_the_flow_runs(start, tmp_path):
    process = start(TICKING, "--watch")
    before, after = tmp_path / "ticks.jsonl", tmp_path / "other.jsonl"
    until(lambda: len(lines_of(before)) >= 5, process)
    (tmp_path / "flow.yaml").write_text(TICKING.replace("ticks.jsonl", "other.jsonl"))
    until(lambda: len(lines_of(after)) >= 5, process)
    (tmp_path / "flow.yaml").write_text(TICKING.replace("nodes:", "noodles:"))
    until(said(process, "did you mean 'nodes'?"), process)
    until(said(process, "the flow goes on as it was"), process)
    count = len(lines_of(after))
    until(lambda: len(lines_of(after)) > count + 5, process)
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0
    numbers = [tick["frame"] for tick in lines_of(before) + lines_of(after)]
    assert numbers == list(range(len(numbers)))


def test_every_line_of_the_log_is_json_whoever_wrote_it(start, tmp_path):
    (tmp_path / "ticks.jsonl").write_bytes(b'{"torn": ')  # The node that writes the file logs that it mended it.
    process = start(TICKING.replace("every: 10 ms", "every: 10 ms, count: 2"), "--log-json", "-v", "--summary", "none")
    _, errors = process.communicate(timeout=30)
    events = [json.loads(line) for line in errors.splitlines()]
    assert {event["event"] for event in events if event["level"] == "info"} == {"opening"}
    assert any("were cut off" in event["event"] for event in events if event["level"] == "warning")


def test_faults_are_counted_kept_and_told_at_the_end(start, tmp_path):
    (tmp_path / "broken.jpg").write_bytes(b"no picture")
    process = start(
        """
flow: broken
nodes:
  pictures: {uses: images, with: {path: broken.jpg}}
  file: {uses: lines, from: pictures, with: {path: pictures.jsonl}}
"""
    )
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 0
    assert "1 messages failed" in " ".join(errors.split())
    letters = lines_of(tmp_path / "state" / "broken" / "dead-letters.jsonl")
    assert [(letter["node"], letter["file"]) for letter in letters] == [("pictures", "broken.jpg")]


LEFT_BEHIND = """
import threading, cv2, numpy
from flowalpr.cli.main import main

busy, picture = threading.Event(), numpy.zeros((200, 200, 3), numpy.uint8)

def hang():
    while True:
        cv2.GaussianBlur(picture, (9, 9), 0)
        busy.set()

threading.Thread(target=hang, daemon=True).start()
busy.wait(10)
long_to_take_apart = [object() for _ in range(3_000_000)]
main()
"""


@pytest.mark.parametrize(("arguments", "code"), [(["check", "none.yaml"], 2), (["--help"], 0)])
def test_a_thread_that_is_left_in_opencv_does_not_abort_the_process(
    tmp_path: Path, arguments: list[str], code: int
) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", LEFT_BEHIND, *arguments], cwd=tmp_path, capture_output=True, text=True, timeout=120
    )
    assert ended.returncode == code
    assert "terminate" not in ended.stderr
    assert "zone" in ended.stdout or "none.yaml" in ended.stderr
