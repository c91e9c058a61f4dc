"""The reads as they come, and one of them with all that led to its text."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flowalpr.messages import masked
from flowalpr.tui.picture import half_cells
from flowalpr.tui.seen import Record, Seen, View, matches
from flowalpr.tui.sheet import Column, Line, Piece, Row, Sheet, facts, prose, table, title, wrapped
from flowalpr.tui.words import clock, moment, percent, took

COLUMNS = (
    Column("time", 8),
    Column("camera", 10, grows=1),
    Column("plate", 12, grows=1),
    Column("country", 7),
    Column("sure", 5, right=True),
    Column("frames", 6, right=True, spare=2),
    Column("direction", 9, spare=1),
    Column("list", 12, grows=1),
    Column("delay", 7, right=True),
    Column("node", 10, spare=4, grows=1),
)
ACTIONS = {"allow": "good", "deny": "bad", "alert": "warn"}
NO_READS = " No plate has been read yet."
CROP_WIDTH = 40
"""Cells that the picture of a plate takes at most."""


def reads(seen: Seen, view: View, width: int, height: int) -> Sheet:
    """A row a read, the latest first."""
    shown = [
        each
        for each in (seen.reads if seen.past is None else seen.past)
        if not view.wanted or matches(view.wanted, *(str(value) for value in _searched(each, view)))
    ]
    if not shown:
        return Sheet(
            (prose((f" No read holds “{view.wanted or view.past}”." if view.wanted or view.past else NO_READS, "dim")),)
        )
    return table(COLUMNS, [(each["id"], _cells(each, view.plates)) for each in shown], width)


def read(seen: Seen, view: View, width: int, height: int) -> Sheet:
    """One read: its picture, what was read in each frame, what the format changed."""
    found = seen.details.get(f"read {view.subject}") or seen.read(view.subject)
    if found is None:
        return Sheet((prose((" This read is not known any more.", "warn")),))
    rows: list[Row] = [title("Plate", width)]
    picture = seen.pictures.get(f"read {view.subject}")
    if picture and view.plates:
        crop = half_cells(picture, min(CROP_WIDTH, width - 2), max(4, height // 3))
        rows += [Row(line) for line in crop]
    elif picture:
        rows.append(prose((" m shows the plate and its picture", "dim")))
    rows += facts(_about(found, view.plates))
    if view.plates:
        rows += _characters(found, width) + _readings(found, width)
    rows += _lists(found, view.plates, width)
    return Sheet(tuple(rows))


def plate(record: Record, plain: bool) -> Piece:
    """The text of a read, or why there is none."""
    text = str(record.get("text") or "")
    if not text:
        return f"({record.get('reason') or 'no text'})", "dim"
    return text if plain else masked(text), "plate"


def when(record: Record, name: str = "time") -> datetime | None:
    """A time of a record."""
    value = record.get(name)
    return datetime.fromisoformat(value) if isinstance(value, str) else None


def lists(record: Record) -> Piece:
    """The lists that a read is on, the most severe action colouring them."""
    entries = record.get("listed") or []
    severe = next((action for action in ("deny", "alert", "allow") if any(e["action"] == action for e in entries)), "")
    return ", ".join(f"{each['action']} {each['list']}" for each in entries), ACTIONS.get(severe, "")


def _cells(record: Record, plain: bool) -> list[Piece | str]:
    confidence = float(record.get("confidence") or 0.0)
    has_text = bool(record.get("text"))
    return [
        (clock(when(record)), "dim"),
        str(record.get("camera", "")),
        plate(record, plain),
        str(record.get("country") or ""),
        (percent(confidence) if has_text else "", _sure(confidence)),
        (str(record.get("reads", "")), "dim"),
        (str(record.get("direction") or ""), "dim"),
        lists(record),
        (took(float(record.get("latency_ms") or 0.0)), "dim"),
        (str(record.get("node", "")), "dim"),
    ]


def _sure(confidence: float) -> str:
    return "good" if confidence >= 0.9 else "warn" if confidence >= 0.6 else "bad"


def _searched(record: Record, view: View) -> list[Any]:  # Any: the values that JSON has
    names = ("camera", "country", "direction", "node", "reason", "stage")
    found = [record.get(name) or "" for name in names] + [lists(record)[0]]
    return [*found, record.get("text", "")] if view.plates else found


def _about(record: Record, plain: bool) -> list[tuple[str, Piece | str]]:
    time = when(record)
    about: list[tuple[str, Piece | str]] = [
        ("text", plate(record, plain)),
        ("country", str(record.get("country") or "unknown")),
        ("sure", percent(float(record.get("confidence") or 0.0))),
        ("camera", f"{record.get('camera', '')}, frame {record.get('frame', '')}"),
        ("time", moment(time) if time else ""),
    ]
    if "seen" in record:
        first, last = when(record, "first"), when(record, "last")
        stay = f", {(last - first).total_seconds():.1f} s" if first and last else ""
        about.append(("passage", f"frames seen: {record['seen']}, read: {record['reads']}{stay}"))
        about.append(("direction", str(record.get("direction") or "stood")))
        about.append(("outcome", f"{record.get('reason')}, {record.get('stage')}"))
    if record.get("latency_ms") is not None:
        about.append(("delay", f"{took(float(record['latency_ms']))} from its frame to node {record.get('node')}"))
    for name, milliseconds in (record.get("stages") or {}).items():
        about.append((f"  {name}", (took(float(milliseconds)), "dim")))
    if record.get("corrected"):
        about.append(("corrected", ("by a person", "warn")))
    return about


def _characters(record: Record, width: int) -> list[Row]:
    """What was read, how sure each character is, and what the plate format changed."""
    raw, sure = str(record.get("raw") or ""), record.get("confidences") or ()
    rows = [title("Characters", width)]
    if len(sure) == len(raw) and raw:
        signs: list[Piece] = [(" read          ", "dim")]
        marks: list[Piece] = [(" sure          ", "dim")]
        for sign, confidence in zip(raw, sure, strict=True):
            signs.append((f"{sign:^5}", "strong"))
            marks.append((f"{confidence * 100:^5.0f}", _sure(confidence)))
        rows += [Row(tuple(signs)), Row(tuple(marks))]
    else:
        rows += facts([("read", (raw, "strong"))])
    repairs = ", ".join(record.get("repairs") or ())
    return rows + facts([("format changed", repairs or ("nothing", "dim"))])


def _readings(record: Record, width: int) -> list[Row]:
    readings = record.get("readings") or ()
    if not readings:
        return []
    most = max(int(times) for _, times in readings)
    rows = [title("Readings, the weightiest first", width)]
    for text, times in readings[:8]:
        bar = "█" * max(1, round(int(times) / most * 24))
        rows.append(prose((f" {text:<14}", "strong"), (f"{times:>4} ", "dim"), (bar, "flow")))
    return rows


def _lists(record: Record, plain: bool, width: int) -> list[Row]:
    entries = record.get("listed") or ()
    rows = [title("Lists", width)] if entries else []
    for each in entries:
        label = f"{each['label']}" if plain else ""
        line: Line = (
            (f" {each['action']:<6}", ACTIONS.get(each["action"], "")),
            (f" {each['list']:<14}", "strong"),
            (f" {each['plate'] if plain else masked(each['plate'])}  {label}", ""),
        )
        rows.append(Row(line))
    for change in record.get("corrections") or ():
        rows += wrapped(f"corrected {change.get('time', '')} by {change.get('who', '')}", width, "dim")
    return rows
