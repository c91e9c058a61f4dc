"""The cameras: whether each lives, how fast, how old its last frame is."""

from __future__ import annotations

from flowalpr.telemetry.snapshot import CameraSnapshot
from flowalpr.tui.picture import half_cells
from flowalpr.tui.seen import Seen, View, matches
from flowalpr.tui.sheet import Column, Piece, Row, Sheet, prose, table, title
from flowalpr.tui.words import ago, count, rate, some, state_tone

COLUMNS = (
    Column("camera", 12, grows=1),
    Column("state", 20, grows=2),
    Column("fps", 5, right=True),
    Column("processed", 9, right=True, spare=3),
    Column("dropped", 7, right=True, spare=2),
    Column("age", 7, right=True),
    Column("retries", 7, right=True, spare=1),
    Column("picture", 9, right=True, spare=4),
    Column("decoder", 14, spare=5, grows=1),
)
OLD = 5.0
"""Seconds after which a last frame looks old."""


def cameras(seen: Seen, view: View, width: int, height: int) -> Sheet:
    """A row a camera."""
    if seen.now is None:
        return Sheet()
    if not seen.now.cameras:
        return Sheet((prose((" This flow has no camera.", "dim")),))
    processed = _processed(seen)
    rows = [
        (each.name, _cells(each, processed.get(each.name, 0.0)))
        for each in seen.now.cameras
        if matches(view.wanted, each.name, each.state)
    ]
    return table(COLUMNS, rows, width)


def camera(seen: Seen, view: View, width: int, height: int) -> Sheet:
    """One camera: what is known of it, and its live picture in half cells."""
    name = view.subject
    found = next((each for each in seen.now.cameras if each.name == name), None) if seen.now else None
    if found is None:
        return Sheet((prose((f" There is no camera {name} any more.", "warn")),))
    size = f"{found.width} x {found.height}" if found.width else ""
    told = f"{rate(found.fps) or '0'} fps · {count(found.frames)} frames · {count(found.dropped)} dropped"
    age = f"last frame {ago(found.age_s)} ago" if found.age_s is not None else "no frame yet"
    head = (
        title(name, width).line,
        prose(
            (f" {found.state}", state_tone(found.state)), ("   ", ""), " · ".join(each for each in (told, age) if each)
        ).line,
        prose((f" {'  '.join(each for each in (size, found.decoder) if each)}", "dim")).line,
    )
    picture = seen.pictures.get(f"camera {name}")
    if picture is None:
        return Sheet((prose((" waiting for a picture", "dim")),), head)
    return Sheet(tuple(Row(line) for line in half_cells(picture, width - 2, height - len(head))), head)


def _processed(seen: Seen) -> dict[str, float]:
    """Frames a second that what stands behind each camera dealt with; its own share if it has others' as well."""
    if seen.now is None:
        return {}
    taken = seen.history.rates("taken")
    fps = {each.name: each.fps for each in seen.now.cameras}
    found: dict[str, float] = {}
    for node in seen.now.nodes:
        own = [name for name in node.inputs if name in fps]
        together = sum(fps[name] for name in own)
        for name in own:
            share = fps[name] / together if together else 1 / len(own)
            found[name] = max(found.get(name, 0.0), taken.get(node.name, 0.0) * share)
    return found


def _cells(each: CameraSnapshot, processed: float) -> list[Piece | str]:
    old = each.age_s is None or each.age_s > OLD
    return [
        (each.name, "strong"),
        (each.state, state_tone(each.state)),
        rate(each.fps) or "0",
        rate(processed),
        (some(each.dropped), "dim"),
        (ago(each.age_s) or "-", "warn" if old else "dim"),
        (some(each.reconnects), "warn"),
        (f"{each.width}x{each.height}" if each.width else "", "dim"),
        (each.decoder, "dim"),
    ]
