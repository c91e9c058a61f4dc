"""What else a flow tells of itself: alerts, why there was no plate, sinks, the machine, the log."""

from __future__ import annotations

from flowalpr.telemetry.snapshot import BoxSnapshot
from flowalpr.tui.pages.reads import plate, when
from flowalpr.tui.seen import Record, Seen, View, matches
from flowalpr.tui.sheet import Column, Piece, Row, Sheet, facts, prose, table, title
from flowalpr.tui.words import clock, count, lasted, size, some, state_tone

ALERTS = (
    Column("time", 8),
    Column("severity", 8),
    Column("about", 22, grows=3),
    Column("plate", 12, grows=1),
    Column("camera", 12, grows=1),
)
SINKS = (
    Column("sink", 16, grows=1),
    Column("uses", 12, grows=1),
    Column("waits", 7, right=True),
    Column("state", 34, grows=4),
)
SEVERITIES = {"high": "bad", "medium": "warn", "low": "accent"}
LEVELS = {"critical": "bad", "error": "bad", "warning": "warn", "info": "good", "debug": "dim"}
HINTS = {
    "read": "",
    "too small": "nearer camera, longer lens, or a higher resolution",
    "blurred": "shorter exposure (1/1000 s), more light",
    "low confidence": "look at the pictures: dirt, glare, an unknown script?",
    "format": "add the country's plates: docs/own-country.md",
    "left the zone": "widen the zone, or place the camera so that cars cross it",
    "overload": "fewer frames, a smaller model, or a faster machine",
}
"""What usually helps against each reason."""


def alerts(seen: Seen, view: View, width: int, height: int) -> Sheet:
    """A row an alert that nobody has acknowledged yet."""
    shown = [each for each in seen.alerts if matches(view.wanted, each.get("label"), each.get("camera"))]
    if not shown:
        return Sheet((prose((" Nothing waits to be looked at.", "good")),))
    return table(ALERTS, [(each["id"], _alert(each, view.plates)) for each in shown], width)


def reasons(seen: Seen, view: View, width: int, height: int) -> Sheet:
    """How passages ended, as bars, with what usually helps."""
    counts = seen.now.reasons if seen.now else {}
    total = sum(counts.values())
    if not total:
        return Sheet(
            (prose((" No car has passed yet; `vote` counts passages, so a flow without it tells none.", "dim")),)
        )
    room = max(10, min(40, width - 40))
    rows = [title(f"{count(total)} passages", width)]
    for reason, number in sorted(counts.items(), key=lambda item: (item[0] != "read", -item[1])):
        share = number / total
        filled = round(share * room)
        tone = "good" if reason == "read" else "warn" if number else "dim"
        bar = ("█" * max(1, filled) if number else "").ljust(room)
        rows.append(
            prose(
                (f" {reason:<16}", "strong"),
                (f"{count(number):>7}", ""),
                (f"{share * 100:5.0f} %  ", "dim"),
                (bar, tone),
            )
        )
    worst = max((reason for reason in counts if reason != "read"), key=lambda each: counts[each], default="")
    if worst and counts[worst]:
        rows += [prose(""), title("What usually helps", width)]
    for reason, number in sorted(counts.items(), key=lambda item: -item[1]):
        if number and HINTS.get(reason):
            rows.append(prose((f" {reason:<16}", "strong"), (HINTS[reason], "dim")))
    return Sheet(tuple(rows))


def sinks(seen: Seen, view: View, width: int, height: int) -> Sheet:
    """A row a sink, with what waits in it for a network or a disk."""
    rows: list[tuple[str, list[Piece | str]]] = [
        (
            each.name,
            [
                (each.name, "strong"),
                (each.uses.rpartition(".")[2], "dim"),
                (some(each.backlog), "warn" if each.backlog > 100 else "accent"),
                (each.state, state_tone(each.state)),
            ],
        )
        for each in (seen.now.sinks if seen.now else ())
        if matches(view.wanted, each.name, each.uses, each.state)
    ]
    return table(SINKS, rows, width)


def box(seen: Seen, view: View, width: int, height: int) -> Sheet:
    """The machine that the flow runs on."""
    found = seen.now.box if seen.now else None
    if found is None:
        return Sheet((prose((" The flow does not tell of its machine.", "dim")),))
    room = max(10, min(40, width - 44))
    rows = [
        title("Machine", width),
        _gauge("CPU", found.cpu_percent, f"{found.cpu_percent:.0f} % of all cores", room),
        _gauge("memory", found.memory_percent, f"{size(found.memory_used)} of {size(found.memory_total)}", room),
        *facts(_machine(found)),
    ]
    if found.providers:
        rows += [prose(""), title("What runs the networks", width)]
        rows += facts([(name, (words, _provider_tone(words))) for name, words in found.providers.items()])
    return Sheet(tuple(rows))


def logs(seen: Seen, view: View, width: int, height: int) -> Sheet:
    """The flow's log, the latest first."""
    rows = [
        Row(_log_line(each), f"{number}")
        for number, each in enumerate(reversed(seen.lines))
        if matches(view.wanted, *each.values())
    ]
    return Sheet(tuple(rows) or (prose((" Nothing has been logged.", "dim")),))


def log_rows(lines: list[Record]) -> list[Row]:
    """Lines of a log, to stand within another page."""
    return [Row(_log_line(each)) for each in lines]


def _alert(record: Record, plain: bool) -> list[Piece | str]:
    severity = str(record.get("severity", ""))
    return [
        (clock(when(record, "raised")), "dim"),
        (severity, SEVERITIES.get(severity, "warn")),
        (str(record.get("label", "")), "strong"),
        plate(record, plain),
        str(record.get("camera", "")),
    ]


def _log_line(record: Record) -> tuple[Piece, ...]:
    level = str(record.get("level", "info"))
    node = str(record.get("node") or "")
    known = {"time", "timestamp", "level", "node", "event", "logger", "message"}
    more = " ".join(
        f"{name}={value}" for name, value in record.items() if name not in known and value not in ("", None)
    )
    return (
        (f" {clock(when(record) or when(record, 'timestamp')):<8} ", "dim"),
        (f"{level[:7]:<8}", LEVELS.get(level, "")),
        (f"{node} " if node else "", "strong"),
        (str(record.get("event") or record.get("message") or ""), ""),
        (f" {more}" if more else "", "dim"),
    )


def _machine(found: BoxSnapshot) -> list[tuple[str, Piece | str]]:
    days = found.disk_days_left
    lasts = f", full in {lasted(days * 86400)} at this pace" if days is not None else ""
    told: list[tuple[str, Piece | str]] = [
        ("this flow", f"{size(found.flow_memory)} of memory"),
        ("disk", (f"{size(found.disk_free)} free{lasts}", "bad" if days is not None and days < 2 else "")),
    ]
    if found.temperature is not None:
        hot = "bad" if found.temperature >= 90 else "warn" if found.temperature >= 75 else ""
        told.append(("temperature", (f"{found.temperature:.0f} °C", hot)))
    return [*told, ("GPU", (found.gpu, "") if found.gpu else ("none that tells", "dim"))]


def _gauge(name: str, share: float, words: str, room: int) -> Row:
    filled = round(min(100.0, share) / 100 * room)
    tone = "bad" if share >= 95 else "warn" if share >= 80 else "good"
    return prose((f" {name:<14}", "dim"), ("█" * filled, tone), ("░" * (room - filled), "wire"), (f"  {words}", ""))


def _provider_tone(words: str) -> str:
    return "warn" if "asked for" in words or "missing" in words else "good"
