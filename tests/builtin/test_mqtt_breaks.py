"""Whatever happens to the broker or to the flow, all events arrive, in order."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from support.broker import Broker, Listener, finished, texts, until
from support.flows import Reads, graph_of

from flowalpr.engine.runner import Runner
from flowalpr.flow.graph import Graph
from flowalpr.testing import plate_read
from flowalpr_builtin.sinks.mqtt import Mqtt
from flowalpr_builtin.sinks.mqtt_courier import MqttCourier
from flowalpr_builtin.sources.timer import Timer


@pytest.mark.slow
@pytest.mark.parametrize(("qos", "version"), [(1, "5"), (2, "5"), (2, "3.1.1")])
def test_ten_kills_of_the_broker_cost_nothing(
    qos: int,
    version: str,
    broker: Callable[..., Broker],
    mqtt: Callable[..., Mqtt],
    listener: Callable[..., Listener],
) -> None:
    there = broker()
    ear = listener(there.port, "flowalpr/gate")
    node = mqtt(there.port, qos=qos, version=version)
    sent = [f"P{number:03}" for number in range(200)]
    for number, text in enumerate(sent):
        node.process(plate_read(text, camera="gate"))
        if number % 20 == 5:
            heard = len(ear.heard)
            until(lambda heard=heard: len(ear.heard) > heard)  # type: ignore[misc]  # bound now, on purpose
            there.kill(signal.SIGTERM)
        if number % 20 == 15:
            there.start()
    until(lambda: sent[-1] in texts(ear.heard), 60)
    finished(node)
    heard_texts = texts(ear.heard)
    assert list(dict.fromkeys(heard_texts)) == sent
    if qos == 2:
        assert len(heard_texts) == len(sent)
        assert len({json.loads(payload)["event"] for _, payload in ear.heard}) == len(sent)


@pytest.mark.slow
@pytest.mark.parametrize("version", ["5", "3.1.1"])
def test_a_broker_that_has_forgotten_the_session_gets_what_it_did_not_confirm(
    version: str,
    tmp_path: Path,
    broker: Callable[..., Broker],
    mqtt: Callable[..., Mqtt],
    listener: Callable[..., Listener],
) -> None:
    there = broker()
    node = mqtt(there.port, qos=2, retain=True, version=version)
    for number in range(100):
        node.process(plate_read(f"P{number}", camera=f"c{number}"))
    there.kill()
    for database in tmp_path.glob("mosquitto.db*"):
        database.unlink()
    there.start()
    courier = node._courier
    assert courier
    until(lambda: not courier.box().waiting())
    kept = listener(there.port, "flowalpr/+")
    until(lambda: "P99" in texts(kept.heard))
    assert texts(kept.heard) == [f"P{number}" for number in range(100)][-len(kept.heard) :]


def test_events_wait_for_a_broker_also_over_a_restart(
    tmp_path: Path, broker: Callable[..., Broker], listener: Callable[..., Listener], caplog: pytest.LogCaptureFixture
) -> None:
    there = broker()
    there.kill()
    for text in ("FIRST", "SECOND"):
        node = Mqtt(host="127.0.0.1", port=there.port, queue=tmp_path / "queue")
        node.open()
        node.process(plate_read(text))
        node.close()
    assert "1 events stay in the queue" in caplog.text
    assert "2 events stay in the queue" in caplog.text
    there.start()
    ear = listener(there.port)
    node = Mqtt(host="127.0.0.1", port=there.port, queue=tmp_path / "queue")
    node.open()
    finished(node)
    until(lambda: texts(ear.heard) == ["FIRST", "SECOND"])
    node.close()
    assert "FIRST" not in caplog.text


@pytest.mark.slow
def test_a_killed_flow_leaves_its_last_will_and_its_queue(
    tmp_path: Path, broker: Callable[..., Broker], mqtt: Callable[..., Mqtt], listener: Callable[..., Listener]
) -> None:
    port = broker().port
    ear = listener(port)
    code = f"""
from flowalpr.testing import plate_read
from flowalpr_builtin.sinks.mqtt import Mqtt
node = Mqtt(host="127.0.0.1", port={port}, queue={str(tmp_path / "queue")!r}, client="one")
node.open()
print("open", flush=True)
input()
for number in range(1000):
    node.process(plate_read(f"P{{number}}"))
    print(number, flush=True)
"""
    child = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert child.stdin
    assert child.stdout
    until(lambda: ("flowalpr/status/one", "online") in ear.heard)
    child.stdout.readline()
    child.stdin.write("\n")
    child.stdin.flush()
    for _ in range(50):
        child.stdout.readline()
    child.kill()
    rest, _ = child.communicate(timeout=10)
    accepted = 50 + len(rest.split())
    until(lambda: ("flowalpr/status/one", "offline") in ear.heard)
    finished(mqtt(port, client="one"))
    heard = list(dict.fromkeys(texts(ear.heard)))
    assert heard[:accepted] == [f"P{number}" for number in range(accepted)]
    assert len(heard) <= accepted + 1  # One may have been accepted and not yet told of.


def test_a_broker_that_confirms_nothing_is_given_up_and_tried_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=say_welcome_and_no_more, args=(server,), daemon=True).start()
        node = Mqtt(host="127.0.0.1", port=server.getsockname()[1], version="3.1.1", queue=tmp_path / "queue")
        courier = MqttCourier(node, node.opened_queue, answer_seconds=0.2)
        courier.open()
        courier.accept(plate_read("AB1"))
        until(lambda: "has confirmed nothing for 0.2 s; 1 events wait; next try in" in caplog.text)
        courier.close()


def say_welcome_and_no_more(server: socket.socket) -> None:
    with closing(server.accept()[0]) as line:
        line.recv(1000)
        line.sendall(b"\x20\x02\x00\x00")  # CONNACK, accepted: MQTT 3.1.1, section 3.2.
        while line.recv(1000):
            pass


def test_in_a_flow_each_node_has_a_queue_of_its_own_in_the_state_folder(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    broker: Callable[..., Broker],
    listener: Callable[..., Listener],
) -> None:
    monkeypatch.setenv("FLOWALPR_STATE", str(tmp_path / "state"))
    port = broker().port
    ear = listener(port, "one/#", "two/#")
    one, two = (Mqtt(host="127.0.0.1", port=port, topic=f"{name}/{{camera}}") for name in ("one", "two"))
    graph = graph_of(("gate", Reads(count=20), ""), ("one", one, "gate"), ("two", two, "gate"))
    runner = Runner(graph, tmp_path / "dead-letters.jsonl")
    runner.start()
    runner.wait(20)
    runner.stop()
    until(lambda: len(ear.heard) == 40)
    for name in ("one", "two"):
        assert texts([each for each in ear.heard if each[0] == f"{name}/gate"]) == [f"R{n:04}" for n in range(20)]
        assert (tmp_path / "state" / "test" / name / "events.db").exists()
    assert not runner.dead_letters.count


@pytest.mark.slow
def test_a_redeployed_flow_sends_on_where_it_was(
    tmp_path: Path, broker: Callable[..., Broker], listener: Callable[..., Listener]
) -> None:
    port = broker().port
    ear = listener(port)

    def flow(qos: int) -> Graph:
        settings = {"host": "127.0.0.1", "port": port, "queue": tmp_path / "queue", "qos": qos, "status": ""}
        every = timedelta(milliseconds=10)
        return graph_of(("beat", Timer(every=every), ""), ("send", Mqtt.model_validate(settings), "beat"))

    runner = Runner(flow(1), tmp_path / "dead-letters.jsonl")
    runner.start()
    for qos in (2, 1, 2):
        heard = len(ear.heard)
        until(lambda heard=heard: len(ear.heard) > heard + 5)  # type: ignore[misc]  # bound now, on purpose
        assert runner.deploy(flow(qos)) == ("send",)
    runner.stop()
    numbers = [json.loads(payload)["frame"] for _, payload in ear.heard]
    assert len(numbers) > 15
    assert numbers == sorted(set(numbers))
    assert runner.dead_letters.count == 0
