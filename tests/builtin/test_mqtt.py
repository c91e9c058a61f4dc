"""Events at a real broker: all of them, in order, whatever happens to it; and clear words when it says no."""

from __future__ import annotations

import gc
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from support.broker import Broker, Listener, until
from support.certificates import Authority

from flowalpr import END_OF_TIME, SetupError
from flowalpr.testing import plate_read
from flowalpr_builtin.sinks.mqtt import Mqtt
from flowalpr_builtin.sinks.mqtt_courier import filled

BrokerWith = Callable[..., Broker]


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[BrokerWith]:
    """Starts mosquitto with these lines in its configuration."""
    started: list[Broker] = []

    def start(*settings: str) -> Broker:
        started.append(Broker(tmp_path, *settings).start())
        return started[-1]

    yield start
    for each in started:
        each.kill()


@pytest.fixture
def sink(tmp_path: Path) -> Iterator[Callable[..., Mqtt]]:
    """Makes and opens a node that sends to a broker at a port."""
    nodes: list[Mqtt] = []

    def opened(port: int, **settings: Any) -> Mqtt:
        nodes.append(Mqtt(host="127.0.0.1", port=port, **{"queue": tmp_path / "queue", **settings}))
        nodes[-1].open()
        return nodes[-1]

    yield opened
    for node in nodes:
        node.close()


@pytest.fixture
def listener() -> Iterator[Callable[..., Listener]]:
    listeners: list[Listener] = []

    def listening(port: int, *args: Any, **login: str) -> Listener:
        listeners.append(Listener(port, *args, **login))
        return listeners[-1]

    yield listening
    for each in listeners:
        each.close()


def texts(heard: list[tuple[str, str]]) -> list[str]:
    return [json.loads(payload)["text"] for topic, payload in heard if "/status/" not in topic]


def finished(node: Mqtt) -> None:
    """Wait for all to be sent, as at the end of a flow."""
    assert node.due(END_OF_TIME) == []


def test_a_read_is_published_with_all_that_its_record_says(
    broker: BrokerWith, sink: Callable[..., Mqtt], listener: Callable[..., Listener]
) -> None:
    port = broker().port
    ear = listener(port)
    read = replace(plate_read("AB123CD", 0.9, camera="gate"), country="GB")
    node = sink(port, client="one")
    node.process(read)
    finished(node)
    until(lambda: len(ear.heard) == 2)
    (status, online), (topic, payload) = ear.heard
    assert (status, online, topic) == ("flowalpr/status/one", "online", "flowalpr/gate")
    event = json.loads(payload)
    assert event == {"schema": 1, "event": event["event"], **read.record()}
    node.close()
    until(lambda: ear.heard[-1] == ("flowalpr/status/one", "offline"))


@pytest.mark.slow
@pytest.mark.parametrize(("qos", "version"), [(1, "5"), (2, "5"), (2, "3.1.1")])
def test_ten_kills_of_the_broker_cost_nothing(
    qos: int,
    version: str,
    broker: BrokerWith,
    sink: Callable[..., Mqtt],
    listener: Callable[..., Listener],
) -> None:
    there = broker()
    ear = listener(there.port, "flowalpr/gate")
    node = sink(there.port, qos=qos, version=version)
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
    version: str, tmp_path: Path, broker: BrokerWith, sink: Callable[..., Mqtt], listener: Callable[..., Listener]
) -> None:
    there = broker()
    node = sink(there.port, qos=2, retain=True, version=version)
    for number in range(100):
        node.process(plate_read(f"P{number}", camera=f"c{number}"))
    there.kill()
    for database in tmp_path.glob("mosquitto.db*"):
        database.unlink()
    there.start()
    courier = node._courier
    assert courier
    until(lambda: not courier._box().waiting())
    kept = listener(there.port, "flowalpr/+")
    until(lambda: "P99" in texts(kept.heard))
    assert texts(kept.heard) == [f"P{number}" for number in range(100)][-len(kept.heard) :]


def test_events_wait_for_a_broker_also_over_a_restart(
    tmp_path: Path, broker: BrokerWith, listener: Callable[..., Listener], caplog: pytest.LogCaptureFixture
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
    tmp_path: Path, broker: BrokerWith, sink: Callable[..., Mqtt], listener: Callable[..., Listener]
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
    finished(sink(port, client="one"))
    heard = list(dict.fromkeys(texts(ear.heard)))
    assert heard[:accepted] == [f"P{number}" for number in range(accepted)]
    assert len(heard) <= accepted + 1  # One may have been accepted and not yet told of.


def test_a_wrong_password_is_said_and_not_shown(
    tmp_path: Path, broker: BrokerWith, sink: Callable[..., Mqtt], caplog: pytest.LogCaptureFixture
) -> None:
    there = guarded(tmp_path, broker)
    (tmp_path / "wrong").write_text("hush-hush\n")
    sink(there.port, user="gate", password=f"file:{tmp_path}/wrong").process(plate_read("SECRET1"))
    until(lambda: caplog.text)
    assert "does not let this user in: check `user` and `password`" in caplog.text
    assert "1 events wait; next try in" in caplog.text
    assert "hush" not in caplog.text
    assert "SECRET1" not in caplog.text


def test_the_right_password_lets_in_and_a_forbidden_topic_is_said(
    tmp_path: Path,
    broker: BrokerWith,
    sink: Callable[..., Mqtt],
    listener: Callable[..., Listener],
    caplog: pytest.LogCaptureFixture,
) -> None:
    rules = tmp_path / "rules"
    rules.write_text("user gate\ntopic readwrite flowalpr/#\n")
    rules.chmod(0o700)
    there = guarded(tmp_path, broker, f"acl_file {rules}")
    (tmp_path / "right").write_text("open-sesame\n")
    login = {"user": "gate", "password": f"file:{tmp_path}/right"}
    ear = listener(there.port, user="gate", password="open-sesame")
    node = sink(there.port, **login)
    node.process(plate_read("AB1"))
    finished(node)
    until(lambda: texts(ear.heard) == ["AB1"])
    sink(there.port, **login, topic="elsewhere", queue=tmp_path / "other").process(plate_read("CD2"))
    until(lambda: "refuses to take events (Not authorized)" in caplog.text)


# paho leaves its socket to the garbage collector if a handshake fails (paho-mqtt 2.2, Client._ssl_wrap_socket).
@pytest.mark.filterwarnings("ignore:Exception ignored in. <ssl:pytest.PytestUnraisableExceptionWarning")
def test_certificates_are_checked_both_ways(
    tmp_path: Path,
    broker: BrokerWith,
    sink: Callable[..., Mqtt],
    caplog: pytest.LogCaptureFixture,
) -> None:
    ours, others = Authority(tmp_path), Authority(tmp_path, "others")
    server, server_key = ours.sign("broker")
    client, client_key = ours.sign("gate")
    files = [f"cafile {ours.ca}", f"certfile {server}", f"keyfile {server_key}"]
    port = broker(*files, "require_certificate true", "use_identity_as_username true", "allow_anonymous false").port
    pair = {"certificate": client, "key": client_key}

    node = sink(port, ca=ours.ca, **pair)
    node.process(plate_read("AB1"))
    finished(node)
    courier = node._courier
    assert courier
    assert courier._box().waiting() == 0

    node = sink(port, ca=others.ca, **pair, queue=tmp_path / "others")
    until(lambda: "shows a certificate that is not to be trusted (self-signed certificate in" in caplog.text)
    node.close()
    gc.collect()
    for number, settings in enumerate(({"ca": ours.ca}, {})):
        caplog.clear()
        sink(port, **settings, queue=tmp_path / f"q{number}")
        until(lambda: "broke off before it answered: check `port` and `tls`, and whether it wants" in caplog.text)


def test_a_broker_that_is_none_is_told_from_one_that_is_off(
    tmp_path: Path, broker: BrokerWith, sink: Callable[..., Mqtt], caplog: pytest.LogCaptureFixture
) -> None:
    there = broker()
    there.kill()
    sink(there.port)
    until(lambda: "refuses the connection: check `host` and `port`, and that it is on" in caplog.text)
    node = Mqtt(host="no-such-host.invalid", queue=tmp_path / "other")
    node.open()
    until(lambda: "the broker no-such-host.invalid:1883 has a name that is not known" in caplog.text)
    node.close()


def test_home_assistant_finds_a_sensor_for_each_camera(
    broker: BrokerWith, sink: Callable[..., Mqtt], listener: Callable[..., Listener]
) -> None:
    port = broker().port
    node = sink(port, homeassistant=True, client="yard")
    for camera in ("gate 1", "gate/1", "gate 1"):
        node.process(plate_read("AB1", camera=camera))
    finished(node)
    ear = listener(port, "#")  # All that comes now is what was kept for those who come later.
    until(lambda: len(ear.heard) == 5)
    found = {topic: json.loads(payload) for topic, payload in ear.heard if topic.startswith("homeassistant/")}
    assert len(found) == 2
    assert {each["state_topic"] for each in found.values()} == {"flowalpr/gate 1", "flowalpr/gate_1"}
    assert {each["availability_topic"] for each in found.values()} == {"flowalpr/status/yard"}
    assert len({each["unique_id"] for each in found.values()}) == 2
    assert {topic.rpartition("/")[2] for topic in found} == {"config"}


def test_a_redeployed_node_takes_the_queue_over_and_a_stranger_does_not(
    tmp_path: Path, broker: BrokerWith, listener: Callable[..., Listener]
) -> None:
    port = broker().port
    ear = listener(port, "flowalpr/test")
    old, new, stranger = (Mqtt(host="127.0.0.1", port=port, queue=tmp_path / "queue", qos=qos) for qos in (1, 2, 0))
    stranger.place("stranger")
    old.open()
    with pytest.raises(SetupError, match="give one of them a `queue` of its own"):
        stranger.open()
    old.process(plate_read("AB1"))
    new.open()
    finished(old)
    old.close()
    new.process(plate_read("CD2"))
    finished(new)
    until(lambda: texts(ear.heard) == ["AB1", "CD2"])
    new.close()


def test_a_topic_is_filled_in_so_that_no_value_can_break_it() -> None:
    topic = "site/{camera}/{country}/{client}"
    assert filled(topic, {"camera": "a/+#\n{client}", "country": None}, "me") == "site/a____{client}/_/me"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"topic": "plates/{text}"}, r"\{text\} is not known here"),
        ({"topic": "plates/#"}, "without [+] and #"),
        ({"topic": "plates/{camera"}, "without [+] and #"),
        ({"topic": ""}, "`topic` is empty"),
        ({"password": "env:X"}, "needs a `user`"),
        ({"password": "open-sesame", "user": "a"}, "a secret is never written here"),
        ({"certificate": "a.pem"}, "need one another"),
        ({"homeassistant": True, "topic": "plates"}, "must name the {camera}"),
        ({"host": ""}, "at least 1 character"),
    ],
)
def test_a_setting_that_cannot_work_is_refused(given: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said) as error:
        Mqtt(**{"host": "broker", **given})
    assert "sesame" not in str(error.value)


def test_a_missing_certificate_is_told_before_the_first_event(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match=r"none.pem is not there or cannot be read"):
        Mqtt(host="broker", ca=tmp_path / "none.pem", queue=tmp_path).open()


def guarded(folder: Path, broker: BrokerWith, *settings: str) -> Broker:
    """A broker that lets in the user `gate` with the password `open-sesame`."""
    passwords = folder / "passwords"
    passwords.write_text("gate:open-sesame\n")
    passwords.chmod(0o600)
    subprocess.run(["mosquitto_passwd", "-U", str(passwords)], check=True, timeout=10)
    os.chown(passwords, os.getuid(), os.getgid())
    return broker("allow_anonymous false", f"password_file {passwords}", *settings)
