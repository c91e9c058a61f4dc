"""What docs/events.md and its JSON Schema say of events is true of those that are sent."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, ValidationError

from flowalpr import Alert, Erasure, Listed, Message, ParkingSession, Signal, Tick
from flowalpr.delivery.http import signature
from flowalpr.delivery.outbox import SCHEMA, event_of
from flowalpr.testing import NOON, passage, plate_read

DOCS = Path(__file__).parents[2] / "docs"
SCHEMA_FILE: dict[str, Any] = json.loads((DOCS / "events.schema.json").read_text())
PARTS = SCHEMA_FILE["$defs"]
VALIDATOR = Draft202012Validator(SCHEMA_FILE)
PAGE = (DOCS / "events.md").read_text()
READ = plate_read("AB123")
MESSAGES: list[Message] = [
    READ,
    passage("AB123"),
    passage("", reason="too small"),
    ParkingSession("1", "open", "AB123", READ.stamp, 1, NOON),
    ParkingSession("1", "closed", "AB123", READ.stamp, 0, NOON, NOON, 0.0),
    Signal(True, READ, READ.stamp, 0.25),
    Alert("high", "stolen", READ),
    Erasure((READ.id, "1"), NOON.replace(microsecond=5)),
    Tick(READ.stamp),
]


def payload(message: Message) -> dict[str, Any]:
    event: dict[str, Any] = json.loads(event_of(message.record())[1])
    return event


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: type(message).__name__)
def test_an_event_is_as_its_schema_says(message: Message) -> None:
    VALIDATOR.validate(payload(message))


def test_a_listed_plate_is_as_its_schema_says() -> None:
    record = {**READ.record(), "listed": [Listed("staff", "AB123", "allow", "boss").record()]}
    VALIDATOR.validate(json.loads(event_of(record)[1]))


def named(schema: dict[str, Any]) -> set[str]:
    """The fields that a part of the schema describes, with those of the parts that it refers to."""
    kind = str(schema.get("$ref", "")).rpartition("/")[2]
    return set(schema.get("properties", {})) | (named(PARTS[kind]) if kind else set())


@pytest.mark.parametrize("message", MESSAGES[:-1], ids=lambda message: type(message).__name__)
def test_every_field_that_is_sent_is_described(message: Message) -> None:
    kind = type(message).__name__
    (part,) = (each["then"] for each in SCHEMA_FILE["allOf"] if each["if"]["properties"]["type"]["const"] == kind)
    assert set(payload(message)) - named(part) == set(SCHEMA_FILE["properties"])


def test_no_field_is_described_twice() -> None:
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        names = [name for name, _ in pairs]
        assert len(set(names)) == len(names), names
        return dict(pairs)

    json.loads((DOCS / "events.schema.json").read_text(), object_pairs_hook=once)


@pytest.mark.parametrize(
    "change", [{"schema": 2}, {"event": "x"}, {"confidence": 1.5}, {"time": "noon"}, {"box": [1]}, {"text": None}]
)
def test_what_is_not_so_is_told(change: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        VALIDATOR.validate({**payload(READ), **change})


@pytest.mark.parametrize("message", MESSAGES[:7], ids=lambda message: type(message).__name__)
def test_the_schema_names_each_field_that_must_be_there(message: Message) -> None:
    whole = payload(message)
    for name in ("schema", "event", "time", "camera", "id"):
        rest = {key: value for key, value in whole.items() if key != name}
        assert not VALIDATOR.is_valid(rest), name


def test_the_example_on_the_page_is_an_event() -> None:
    (example,) = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    VALIDATOR.validate(json.loads(example))
    assert set(json.loads(example)) == set(payload(READ))
    assert VALIDATOR.schema["properties"]["schema"]["const"] == SCHEMA  # type: ignore[index]  # a schema may be a bool


def test_the_lines_on_the_page_know_our_signature(monkeypatch: pytest.MonkeyPatch) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    known: dict[str, Any] = {}
    exec(compile(code, "events.md", "exec"), known)
    now = str(int(known["time"].time()))
    headers = {"webhook-id": "e", "webhook-timestamp": now, "webhook-signature": signature(b"key", "e", now, b"{}")}
    assert known["is_ours"](b"key", headers, b"{}")
    assert not known["is_ours"](b"key", headers, b"{ }")
    assert not known["is_ours"](b"other", headers, b"{}")
    assert not known["is_ours"](b"key", {**headers, "webhook-timestamp": str(int(now) - 600)}, b"{}")
