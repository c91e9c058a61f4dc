"""The pages by their keys, and what surrounds each: the bar above, the keys below, the help."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from flowalpr.telemetry.snapshot import FlowSnapshot
from flowalpr.tui.pages.cameras import camera, cameras
from flowalpr.tui.pages.flow import flow
from flowalpr.tui.pages.node import node
from flowalpr.tui.pages.reads import read, reads
from flowalpr.tui.pages.state import alerts, box, logs, reasons, sinks
from flowalpr.tui.seen import Seen, View
from flowalpr.tui.sheet import Line, Piece, Row, Sheet, fit, prose, title, wrapped
from flowalpr.tui.words import count, lasted, rate, shortened

Draw = Callable[[Seen, View, int, int], Sheet]
"""Gives a page of a width and a height in cells."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page."""

    name: str
    title: str
    draw: Draw
    detail: tuple[str, Draw] | None = None
    """What Enter opens: its kind, and how it is drawn."""
    keys: tuple[tuple[str, str], ...] = ()
    """Keys that mean something here, besides those that always do."""


NODE_KEYS = (("p", "pause"), ("r", "restart"))
READ_KEYS = (("c", "correct"), ("a", "add to list"), ("y", "copy"))
PAGES = (
    Page("flow", "Flow", flow, ("node", node), (("enter", "node"), ("v", "view"), *NODE_KEYS)),
    Page("cameras", "Cameras", cameras, ("camera", camera), (("enter", "picture"), *NODE_KEYS)),
    Page("reads", "Reads", reads, ("read", read), (("enter", "read"), ("s", "search past"), *READ_KEYS)),
    Page("alerts", "Alerts", alerts, ("read", read), (("a", "acknowledge"), ("enter", "read"))),
    Page("reasons", "No plate", reasons),
    Page("sinks", "Sinks", sinks, ("node", node), (("enter", "node"), *NODE_KEYS)),
    Page("box", "Box", box),
    Page("logs", "Logs", logs),
)
BY_NAME = {page.name: page for page in PAGES}
ALWAYS = (("/", "filter"), ("m", "plates"), ("space", "hold"))
LAST = (("?", "help"), ("q", "quit"))
"""Keys that are shown even where there is no room for others."""
GUIDE: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = (
    (
        "Everywhere",
        (
            ("1 … 8", "the pages, from Flow to Logs; Tab and Shift+Tab go through them"),
            ("↑ ↓ j k", "choose a row; ← → h l in the drawing; PgUp PgDn Home End"),
            ("Enter  Esc", "into the chosen thing, and back"),
            ("/", "show only rows with these words; Esc ends it"),
            (":", "all commands by name"),
            ("space", "hold the screen still, and let it go on"),
            ("m", "show plates in full, or mask them again"),
            ("t", "dark, light, or the terminal's own colours"),
            ("Ctrl+L", "paint the screen anew"),
            ("q", "quit; the flow goes on"),
        ),
    ),
    (
        "Flow, Cameras, Sinks",
        (
            ("v", "the flow as boxes or as a list"),
            ("p", "pause the chosen node, or let it go on"),
            ("r", "restart the chosen node"),
        ),
    ),
    (
        "Reads, Alerts",
        (
            ("s", "search in the past"),
            ("c", "correct the text of a read"),
            ("a", "add the plate to a list; acknowledge an alert"),
            ("y", "copy the plate"),
        ),
    ),
)
"""The keys in the order of the help page."""


def page_of(seen: Seen, view: View) -> Draw:
    """How to draw what the user wants to see, or that there is nothing yet."""
    if seen.now is None:
        return waiting
    page = BY_NAME[view.page]
    return page.detail[1] if view.subject and page.detail else page.draw


def top(seen: Seen, view: View, width: int) -> Sheet:
    """The two lines above every page."""
    return Sheet(head=(_bar(seen, view, width), _tabs(seen, view, width)))


def bottom(view: View, width: int, notice: Piece | None) -> Sheet:
    """The keys that do something here, or what there is to say."""
    if notice:
        return Sheet(head=(((f" {fit(notice[0], width - 1)}", notice[1]),),))
    page = BY_NAME[view.page]
    own = tuple(pair for pair in page.keys if not (view.subject and pair[0] == "enter"))
    back = (("esc", "back"),) if view.subject or view.wanted or view.past else ()
    room = width - sum(_wide(pair) for pair in LAST)
    shown = []
    for pair in (*back, *own, *ALWAYS):
        if _wide(pair) <= room:
            shown.append(pair)
            room -= _wide(pair)
    pieces: list[Piece] = []
    for key, words in (*shown, *LAST):
        pieces += [(f" {key}", "key"), (f" {words} ", "bar")]
    return Sheet(head=((*pieces, (" " * room, "bar")),))


def _wide(pair: tuple[str, str]) -> int:
    return len(pair[0]) + len(pair[1]) + 3


def waiting(seen: Seen, view: View, width: int, height: int) -> Sheet:
    """What is seen until the flow answers."""
    what, *fix = (seen.trouble or f"Looking for {view.host or 'a running flow'} …").splitlines()
    rows = [prose("")] * max(0, height // 3)
    rows += wrapped(what, width, "warn" if seen.trouble else "dim", indent=3)
    rows += [row for line in fix for row in wrapped(line.strip(), width, "dim", indent=3)]
    if seen.trouble:
        rows += wrapped("It is looked for again every second; q leaves.", width, "dim", indent=3)
    return Sheet(tuple(rows))


def guide(seen: Seen, view: View, width: int, height: int) -> Sheet:
    """The help page."""
    rows: list[Row] = []
    for heading, keys in GUIDE:
        rows += [title(heading, width)]
        rows += [prose((f" {key:<12}", "accent"), (words, "")) for key, words in keys]
    return Sheet(tuple(rows))


def _bar(seen: Seen, view: View, width: int) -> Line:
    now = seen.now
    name = now.flow if now else view.host or "flowalpr"
    left: list[Piece] = [(f" {shortened(name, 24)} ", "name"), (" ", "bar")]
    if now is None:
        left.append(("not there yet" if seen.trouble else "connecting …", "bar"))
    elif seen.trouble:
        left.append((seen.trouble, "alarm"))
    else:
        left.append(
            (
                f"{'paused' if now.paused else 'running'} for {lasted(now.seconds // 1)}"
                if now.seconds >= 60
                else "just started",
                "bar",
            )
        )
    parts = [f"only “{shortened(view.wanted, 20)}”"] if view.wanted else []
    parts += ["held"] if view.held else []
    parts += _pace(seen, now) if now else []
    room = width - sum(len(text) for text, _ in left) - 1
    while parts and len(" · ".join(parts)) + 1 > room:
        parts.pop()
    if not parts and room < 0:
        return (*left[:2], (fit(left[2][0], max(0, width - len(left[0][0]) - 1)), left[2][1]))
    return (*left, (" · ".join(parts).rjust(room) + " ", "bar"))


def _pace(seen: Seen, now: FlowSnapshot) -> list[str]:
    """What goes through the flow, the most important first."""
    given = seen.history.rates("given")
    frames = sum(given[node.name] for node in now.nodes if node.kind == "source")
    errors = sum(node.errors for node in now.nodes)
    parts = [f"{rate(frames) or '0'} fps"]
    parts += [f"{count(now.reasons['read'])} reads"] if now.reasons.get("read") else []
    parts += [f"{count(errors)} errors"] if errors else []
    return parts + ([f"CPU {now.box.cpu_percent:.0f} %"] if now.box else [])


def _tabs(seen: Seen, view: View, width: int) -> Line:
    opened = seen.now.alerts_open if seen.now else 0
    names = [f"{number} {page.title}" for number, page in enumerate(PAGES, 1)]
    spare = width - sum(len(name) + 2 for name in names) - (len(str(opened)) + 1 if opened else 0)
    pieces: list[Piece] = []
    for page, name in zip(PAGES, names, strict=True):
        is_here = page.name == view.page
        if page.name == "alerts" and opened:
            pieces += [(f" {name} ", "tab" if is_here else ""), (f"{opened} ", "tab" if is_here else "bad")]
        else:
            pieces.append((f" {name} ", "tab" if is_here else "dim"))
    if spare < 0:  # Very narrow: the numbers alone, and the name of the page.
        pieces = [(f" {number} ", "tab" if page.name == view.page else "dim") for number, page in enumerate(PAGES, 1)]
        pieces.append((f" {BY_NAME[view.page].title}", "strong"))
    return tuple(pieces)
