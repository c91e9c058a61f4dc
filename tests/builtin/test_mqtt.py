"""Events at a real broker: all of them, in order, whatever happens to it; and clear words when it says no."""

from __future__ import annotations

import gc
import json
import os
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import jinja2
import pytest
from pydantic import ValidationError
from support.broker import Broker, Listener, finished, skip_without, texts, until
from support.certificates import Authority

from flowalpr import Alert, Erasure, ParkingSession, SetupError, Signal
from flowalpr.delivery.outbox import event_of
from flowalpr.testing import NOON, passage, plate_read
from flowalpr_builtin.sinks.mqtt import Mqtt
from flowalpr_builtin.sinks.mqtt_courier import filled

KNOWN_OF_A_SENSOR = {
    *("name", "unique_id", "state_topic", "value_template", "json_attributes_topic", "availability_topic"),
    *("icon", "device", "origin"),
}
"""Of the keys that Home Assistant takes (home-assistant.io/integrations/sensor.mqtt); with any other it refuses all."""


def test_a_read_is_published_with_all_that_its_record_says(
    broker: Callable[..., Broker], mqtt: Callable[..., Mqtt], listener: Callable[..., Listener]
) -> None:
    port = broker().port
    ear = listener(port)
    read = replace(plate_read("AB123CD", 0.9, camera="gate"), country="GB")
    node = mqtt(port, client="one")
    node.process(read)
    finished(node)
    until(lambda: len(ear.heard) == 2)
    (status, online), (topic, payload) = ear.heard
    assert (status, online, topic) == ("flowalpr/status/one", "online", "flowalpr/gate")
    event = json.loads(payload)
    assert event == {"schema": 1, "event": event["event"], **read.record()}
    node.close()
    until(lambda: ear.heard[-1] == ("flowalpr/status/one", "offline"))


def test_a_wrong_password_is_said_and_not_shown(
    tmp_path: Path, broker: Callable[..., Broker], mqtt: Callable[..., Mqtt], caplog: pytest.LogCaptureFixture
) -> None:
    there = guarded(tmp_path, broker)
    (tmp_path / "wrong").write_text("hush-hush\n")
    mqtt(there.port, user="gate", password=f"file:{tmp_path}/wrong").process(plate_read("SECRET1"))
    until(lambda: caplog.text)
    assert "does not let this user in: check `user` and `password`" in caplog.text
    assert "1 events wait; next try in" in caplog.text
    assert "hush" not in caplog.text
    assert "SECRET1" not in caplog.text


def test_the_right_password_lets_in_and_a_forbidden_topic_is_said(
    tmp_path: Path,
    broker: Callable[..., Broker],
    mqtt: Callable[..., Mqtt],
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
    node = mqtt(there.port, **login)
    node.process(plate_read("AB1"))
    finished(node)
    until(lambda: texts(ear.heard) == ["AB1"])
    mqtt(there.port, **login, topic="elsewhere", queue=tmp_path / "other").process(plate_read("CD2"))
    until(lambda: "refuses to take events (Not authorized)" in caplog.text)


# paho leaves its socket to the garbage collector if a handshake fails (paho-mqtt 2.2, Client._ssl_wrap_socket).
@pytest.mark.filterwarnings("ignore:Exception ignored in. <ssl:pytest.PytestUnraisableExceptionWarning")
def test_certificates_are_checked_both_ways(
    tmp_path: Path,
    broker: Callable[..., Broker],
    mqtt: Callable[..., Mqtt],
    caplog: pytest.LogCaptureFixture,
) -> None:
    ours, others = Authority(tmp_path), Authority(tmp_path, "others")
    server, server_key = ours.sign("broker")
    client, client_key = ours.sign("gate")
    files = [f"cafile {ours.ca}", f"certfile {server}", f"keyfile {server_key}"]
    port = broker(*files, "require_certificate true", "use_identity_as_username true", "allow_anonymous false").port
    pair = {"certificate": client, "key": client_key}

    node = mqtt(port, ca=ours.ca, **pair)
    node.process(plate_read("AB1"))
    finished(node)
    courier = node._courier
    assert courier
    assert courier.box().waiting() == 0

    node = mqtt(port, ca=others.ca, **pair, queue=tmp_path / "others")
    until(lambda: "shows a certificate that is not to be trusted (self-signed certificate in" in caplog.text)
    node.close()
    gc.collect()
    for number, settings in enumerate(({"ca": ours.ca}, {})):
        caplog.clear()
        mqtt(port, **settings, queue=tmp_path / f"q{number}")
        until(lambda: "broke off before it answered: check `port` and `tls`, and whether it wants" in caplog.text)


def test_a_broker_that_is_none_is_told_from_one_that_is_off(
    tmp_path: Path, broker: Callable[..., Broker], mqtt: Callable[..., Mqtt], caplog: pytest.LogCaptureFixture
) -> None:
    there = broker()
    there.kill()
    mqtt(there.port)
    until(lambda: "refuses the connection: check `host` and `port`, and that it is on" in caplog.text)
    node = Mqtt(host="no-such-host.invalid", queue=tmp_path / "other")
    node.open()
    until(lambda: "the broker no-such-host.invalid:1883 has a name that is not known" in caplog.text)
    node.close()


def test_home_assistant_finds_a_sensor_for_each_camera(
    broker: Callable[..., Broker], mqtt: Callable[..., Mqtt], listener: Callable[..., Listener]
) -> None:
    port = broker().port
    node = mqtt(port, homeassistant=True, client="yard")
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


def test_home_assistant_shows_the_plate_of_every_kind_of_event_and_no_sensor_of_an_erasure(
    broker: Callable[..., Broker], mqtt: Callable[..., Mqtt], listener: Callable[..., Listener]
) -> None:
    port = broker().port
    node = mqtt(port, homeassistant=True, client="yard")
    read = plate_read("AB1", camera="gate")
    stay = ParkingSession("1", "open", "AB1", read.stamp, 1, NOON)
    told = (read, passage("AB1", camera="gate"), stay, Signal(True, read, read.stamp, 0.2), Alert("high", "", read))
    for message in (*told, Erasure((read.id,), NOON)):
        node.process(message)
    finished(node)
    node.close()
    ear = listener(port, "homeassistant/#", "flowalpr/#")
    until(lambda: len(ear.heard) == 3)  # The sensor, its last event, and `offline`; nothing of the erasure is kept.
    (config,) = (json.loads(payload) for topic, payload in ear.heard if topic.startswith("homeassistant/"))
    assert set(config) <= KNOWN_OF_A_SENSOR
    assert set(config["device"]) <= {"identifiers", "name", "manufacturer", "model", "sw_version"}
    shown = jinja2.Environment(undefined=jinja2.StrictUndefined).from_string(config["value_template"])
    assert [shown.render(value_json=json.loads(event_of(each.record())[1])) for each in told] == ["AB1"] * 5


def test_a_redeployed_node_takes_the_queue_over_and_a_stranger_does_not(
    tmp_path: Path, broker: Callable[..., Broker], listener: Callable[..., Listener]
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
        ({"status": "state/{camera}"}, r"\{camera\} is not known here: use \{client\}"),
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


def guarded(folder: Path, broker: Callable[..., Broker], *settings: str) -> Broker:
    """A broker that lets in the user `gate` with the password `open-sesame`."""
    skip_without()
    passwords = folder / "passwords"
    passwords.write_text("gate:open-sesame\n")
    passwords.chmod(0o600)
    subprocess.run(["mosquitto_passwd", "-U", str(passwords)], check=True, timeout=10)
    os.chown(passwords, os.getuid(), os.getgid())
    return broker("allow_anonymous false", f"password_file {passwords}", *settings)
