"""What the doctor finds, at real files, ports and nodes."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import ClassVar

import pytest
from pydantic import PrivateAttr
from support.broker import Broker, free_port
from support.flows import Frames, Keep, graph_of
from support.served import Served
from support.web import WebServer

from flowalpr import Finding, Message, Node, SetupError
from flowalpr.doctor.clock import clock
from flowalpr.doctor.installation import wheels
from flowalpr.doctor.machine import machine
from flowalpr.doctor.nodes import first_picture, nodes
from flowalpr.doctor.places import disks, growth_of, newest, state
from flowalpr.doctor.running import as_it_runs, running
from flowalpr.telemetry.snapshot import FlowSnapshot, NodeSnapshot
from flowalpr.vision.examining import model_findings
from flowalpr_builtin.sinks.mqtt import Mqtt
from flowalpr_builtin.sinks.webhook import Webhook
from flowalpr_builtin.sources.video import Video

SAMPLE = Path(__file__).parents[2] / "flows" / "sample" / "gate.mp4"


class Says(Node):
    """Says what it was told to."""

    level: str = "ok"

    def process(self, message: Message) -> None: ...

    def examine(self) -> Iterator[Finding]:
        yield Finding("ok", f"{self.name} was asked")
        if self.level == "setup":
            raise SetupError("the lamp is missing", "buy a lamp")
        if self.level == "secret":
            raise ValueError("opensesame")


class Hangs(Says):
    """Never comes back."""

    heavy: ClassVar[bool] = True
    _never: threading.Event = PrivateAttr(default_factory=threading.Event)

    def examine(self) -> Iterator[Finding]:
        yield Finding("ok", "begun")
        self._never.wait(20)


def levels(findings: list[Finding]) -> list[str]:
    return [each.level for each in findings]


def test_a_node_of_a_stranger_says_itself_how_it_is() -> None:
    graph = graph_of(
        ("tape", Frames(), ""), ("good", Says(), "tape"), ("bad", Says(level="setup"), "tape"), ("keep", Keep(), "tape")
    )
    found = dict(nodes(graph))
    assert found == {
        "good": [Finding("ok", "good was asked")],
        "bad": [Finding("ok", "bad was asked"), Finding("wrong", "the lamp is missing", "buy a lamp")],
    }


def test_an_error_that_was_not_written_for_people_is_told_by_its_name_alone() -> None:
    graph = graph_of(("tape", Frames(), ""), ("bad", Says(level="secret"), "tape"))
    assert dict(nodes(graph))["bad"][1] == Finding("wrong", "cannot be examined: ValueError")


def test_a_node_that_hangs_keeps_no_other_from_being_examined() -> None:
    graph = graph_of(("tape", Frames(), ""), ("hangs", Hangs(), "tape"), ("good", Says(), "tape"))
    found = dict(nodes(graph, within=0.3))
    assert found["hangs"][-1].what == "does not answer in time"
    assert levels(found["good"]) == ["ok"]


def test_a_camera_is_opened_for_its_first_picture() -> None:
    (finding,) = first_picture(Video(path=str(SAMPLE), realtime=True))
    assert finding.level == "ok"
    assert finding.what.startswith("gives pictures, ")


def test_a_camera_that_is_away_is_wrong_and_its_password_is_not_told() -> None:
    from flowalpr_builtin.sources.camera import Camera

    camera = Camera(url=f"rtsp://ann:opensesame@127.0.0.1:{free_port()}/main")
    (finding,) = dict(nodes(graph_of(("gate", camera, ""), ("keep", Keep(), "gate"))))["gate"]
    assert finding.level == "wrong"
    assert "refuses the connection" in finding.what
    assert "opensesame" not in finding.what


def test_a_broker_is_asked_whether_it_lets_us_in(tmp_path: Path) -> None:
    broker = Broker(tmp_path).start()
    try:
        (finding,) = Mqtt(host="127.0.0.1", port=broker.port).examine()
        assert finding == Finding("ok", f"the broker 127.0.0.1:{broker.port} lets this client in, without encryption")
    finally:
        broker.kill()
    (finding,) = Mqtt(host="127.0.0.1", port=broker.port).examine()
    assert (finding.level, "refuses the connection" in finding.what) == ("wrong", True)


def test_a_web_server_is_reached_but_sent_nothing() -> None:
    server = WebServer()
    try:
        (finding,) = Webhook(url=f"http://127.0.0.1:{server.port}/reads").examine()
        assert finding == Finding("ok", f"http://127.0.0.1:{server.port} answers, without encryption")
        assert server.come == []
        (finding,) = Webhook(url=f"https://127.0.0.1:{server.port}/reads").examine()
        assert finding.level == "wrong"
    finally:
        server.close()


def test_a_model_says_what_runs_it_and_why_not_what_was_asked_for() -> None:
    (finding,) = model_findings("plate-reader", "cpu")
    assert finding.level == "ok"
    assert finding.what.endswith("is whole, and runs on CPU")
    (finding,) = model_findings("plate-reader", "cuda")
    if finding.level != "ok":  # On a machine with CUDA it is what was asked for.
        assert "runs on CPU, CUDA was asked for: " in finding.what
        assert finding.fix


def test_two_wheels_of_one_library_are_wrong() -> None:
    found = list(wheels(["numpy", "opencv-python", "opencv-python-headless", "onnxruntime"]))
    assert levels(found) == ["wrong", "ok"]
    assert "pip uninstall -y opencv-python opencv-python-headless" in found[0].fix


def test_files_that_others_may_read_and_a_folder_that_nobody_may_write_are_told(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    assert levels(list(state(folder))) == ["ok"]  # It will be made.
    folder.mkdir(mode=0o755)
    assert levels(list(state(folder))) == ["ok"]
    (folder / "plates.db").write_text("x")
    (folder / "plates.db").chmod(0o644)
    (finding,) = state(folder)
    assert (finding.level, finding.fix) == ("warning", f"chmod -R go= {folder}")
    if os.geteuid() == 0:
        os.chown(folder / "plates.db", 12345, 12345)
        assert "belong to another user" in list(state(folder))[-1].what


def test_a_folder_of_pictures_grows_by_what_came_within_a_week(tmp_path: Path) -> None:
    for name, age in (("new.jpg", 0), ("old.jpg", 8 * 86400)):
        (tmp_path / name).write_bytes(b"x" * 700)
        then = datetime.now(timezone.utc).timestamp() - age
        os.utime(tmp_path / name, (then, then))
    assert growth_of(tmp_path) == 100
    assert newest(tmp_path) == tmp_path / "new.jpg"
    (finding,) = disks([tmp_path, tmp_path / "not yet" / "there"])
    assert "GB free" in finding.what


def test_a_clock_that_was_set_back_is_noticed_by_the_files_that_were_written(tmp_path: Path) -> None:
    (tmp_path / "reads").write_text("")
    assert not any("set back" in each.what for each in clock(tmp_path / "reads"))
    os.utime(tmp_path / "reads", (4e9, 4e9))
    assert any("set back" in each.what and each.level == "warning" for each in clock(tmp_path / "reads"))


def test_the_machine_tells_of_memory_and_load() -> None:
    words = [each.what.partition(":")[0] for each in machine()]
    assert words[:2] == ["memory", "load"]


def test_of_a_running_flow_what_somebody_paused_is_a_warning_and_what_fails_is_wrong() -> None:
    words = {"gate": "live", "back": "retry in 8 s: it refuses", "text": "paused", "cars": "resting: 5 errors"}
    zero = {"taken": 0, "given": 0, "dropped": 0, "waiting": 0, "errors": 0, "last_error": "", "busy_ms": 0}
    quick = {"p50_ms": 0, "p95_ms": 0, "p99_ms": 0}
    nodes_ = [
        NodeSnapshot(name=each, uses="x", kind="filter", state=word, **zero, **quick) for each, word in words.items()
    ]
    now = datetime.now(timezone.utc)
    told = dict(as_it_runs(FlowSnapshot(flow="gate", time=now, seconds=1, nodes=tuple(nodes_), wires=())))
    assert {name: finding.level for name, finding in told.items()} == {
        "back": "wrong",
        "text": "warning",
        "cars": "wrong",
    }


@pytest.mark.slow
def test_a_flow_that_runs_is_asked_instead_of_its_camera(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLOWALPR_STATE", str(tmp_path))
    assert running("test") is None
    gate = Frames(count=5, live=True)
    served = Served(graph_of(("gate", gate, ""), ("keep", Keep(), "gate")))
    try:
        seen = running("test")
        assert seen is not None
        told = dict(as_it_runs(seen))
        assert told["gate"].what.startswith("runs: ")
        assert "keep" not in told  # Nothing is the matter with it.
    finally:
        served.close()
