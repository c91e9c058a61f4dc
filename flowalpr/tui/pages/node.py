"""One node: its figures, settings, recent history, last errors and log lines."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from flowalpr.telemetry.snapshot import NodeSnapshot
from flowalpr.tui.pages.state import log_rows
from flowalpr.tui.seen import Record, Seen, View
from flowalpr.tui.sheet import Piece, Row, Sheet, facts, prose, title, wrapped
from flowalpr.tui.words import count, rate, sparkline, state_tone, took

WITH_HELP = 100
"""Columns from which settings are explained."""
BUSY = "ms a second"
"""How long the node was at work."""
NEWEST = 8
"""Log lines of the node that are shown."""


def node(seen: Seen, view: View, width: int, height: int) -> Sheet:
    """All of it on one page."""
    name = view.subject
    found = next((each for each in seen.now.nodes if each.name == name), None) if seen.now else None
    if found is None:
        return Sheet((prose((f" The flow has no node {name} any more.", "warn")),))
    uses = found.uses.rpartition(".")[2]
    head = (title(f"{name} · {uses}", width).line, prose((f" {found.state}", state_tone(found.state))).line)
    rows = [*facts(_figures(seen, found)), *_told(seen, found, width)]
    return Sheet(tuple(rows), head)


def digest(seen: Seen, found: NodeSnapshot, width: int) -> list[Row]:
    """What a table does not say of a node."""
    return [title(f"{found.name} · {found.uses.rpartition('.')[2]}", width), *_told(seen, found, width)]


def _told(seen: Seen, found: NodeSnapshot, width: int) -> list[Row]:
    told = seen.details.get(f"node {found.name}") or {}
    rows = [*_history(told, width), *_errors(found, told, width), *_settings(told, width)]
    mine = [each for each in seen.lines if each.get("node") == found.name][-NEWEST:]
    return [*rows, title("Log", width), *log_rows(mine)] if mine else rows


def _figures(seen: Seen, found: NodeSnapshot) -> list[tuple[str, str]]:
    taken, given = seen.history.rates("taken")[found.name], seen.history.rates("given")[found.name]
    pairs = [
        ("in", f"{rate(taken) or '0'}/s, {count(found.taken)} so far" if found.kind != "source" else ""),
        ("out", f"{rate(given) or '0'}/s, {count(found.given)} so far" if found.kind != "sink" else ""),
        ("waiting", count(found.waiting) if found.waiting else ""),
        ("dropped", count(found.dropped) if found.dropped else ""),
        (
            "takes",
            f"p50 {took(found.p50_ms)} · p95 {took(found.p95_ms)} · p99 {took(found.p99_ms)}" if found.p50_ms else "",
        ),
        ("receives from", ", ".join(found.inputs)),
        ("counts", ", ".join(f"{number} {what}" for what, number in found.tallies.items() if number)),
    ]
    return [pair for pair in pairs if pair[1]]


def _history(told: Record, width: int) -> list[Row]:
    seconds: Sequence[Record] = told.get("history") or ()
    if len(seconds) < 2:
        return []
    room = min(60, width - 32)
    lines: tuple[tuple[str, Callable[[Record], float], str], ...] = (
        ("in", lambda each: float(each["taken"]), "flow"),
        ("out", lambda each: float(each["given"]), "good"),
        (BUSY, lambda each: float(each["busy_ms"]), "accent"),
        ("dropped", lambda each: float(each["dropped"]), "warn"),
        ("errors", lambda each: float(each["errors"]), "bad"),
    )
    rows = [title(f"The last {min(room, len(seconds))} seconds", width)]
    for name, pick, tone in lines:
        values = [pick(each) for each in seconds][-room:]
        if any(values):
            most = f" at most {max(values):.0f}{'' if name == BUSY else '/s'}"
            rows.append(prose((f" {name:<14}", "dim"), (sparkline(values, room), tone), (most, "dim")))
    return rows


def _settings(told: Record, width: int) -> list[Row]:
    settings: Sequence[Record] = told.get("settings") or ()
    rows = [title("Settings", width)] if settings else []
    for each in settings:
        value = str(each.get("value", ""))
        changed = value != str(each.get("default", ""))
        pieces: list[Piece] = [(f" {each.get('name', ''):<18}", "dim"), (f"{value:<24}", "" if changed else "dim")]
        if width > WITH_HELP:
            pieces.append((f"  {each.get('help', '')}".splitlines()[0], "dim"))
        rows.append(prose(*pieces))
    return rows


def _errors(found: NodeSnapshot, told: Record, width: int) -> list[Row]:
    errors: Sequence[Record] = told.get("errors") or ()
    if not errors and not found.errors:
        return []
    rows = [title(f"{count(found.errors)} errors, the last of them", width)]
    if not errors:
        return rows + wrapped(found.last_error, width, "bad")
    for each in errors[:3]:
        rows += wrapped(str(each.get("error", "")), width, "bad")
        rows += wrapped(str(each.get("trace", "")).rstrip(), width, "dim", indent=3) if each.get("trace") else []
    return rows
