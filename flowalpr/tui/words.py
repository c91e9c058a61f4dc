"""Figures and states as people read them, each in few characters and of steady width."""

from __future__ import annotations

from datetime import datetime

BARS = "▁▂▃▄▅▆▇█"


def rate(value: float) -> str:
    """So many a second, in at most 5 characters; empty for none."""
    if value <= 0:
        return ""
    if value < 0.095:
        return "<0.1"
    return f"{value:.1f}" if value < 99.5 else count(round(value))


def count(number: int) -> str:
    """A number in at most 6 characters: `9999`, `12.3k`, `4.6M`."""
    for limit, unit in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if number >= limit:
            scaled = number / (1e3 if unit == "k" else limit)
            return f"{scaled:.1f}{unit}" if scaled < 100 else f"{scaled:.0f}{unit}"
    return str(number)


def some(number: int) -> str:
    """A number that matters only if it is not 0."""
    return count(number) if number else ""


def took(milliseconds: float) -> str:
    """How long something took, in at most 6 characters; empty for no time."""
    if milliseconds <= 0:
        return ""
    if milliseconds < 10:
        return f"{milliseconds:.1f} ms"
    return f"{milliseconds:.0f} ms" if milliseconds < 1000 else lasted(milliseconds / 1000)


def lasted(seconds: float | None) -> str:
    """A length of time in two units at most: `3.2 s`, `48 s`, `2 min`, `3 h 5 min`, `12 d 4 h`."""
    if seconds is None:
        return ""
    if seconds < 10 and seconds != int(seconds):
        return f"{seconds:.1f} s"
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes = int(seconds // 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours < 24 else f"{hours // 24} d {hours % 24} h"


def ago(seconds: float | None) -> str:
    """How old something is; what is fresh looks the same from one moment to the next."""
    return "" if seconds is None else "<1 s" if seconds < 1 else lasted(round(seconds))


def clock(time: datetime | None) -> str:
    """The time of day here, to the second."""
    return f"{time.astimezone():%H:%M:%S}" if time else ""


def moment(time: datetime) -> str:
    """Day and time of day here."""
    return f"{time.astimezone():%Y-%m-%d %H:%M:%S}"


def percent(share: float | None) -> str:
    """A share of 0..1 as percent."""
    return "" if share is None else f"{share * 100:.0f} %"


def size(amount: float) -> str:
    """Bytes, in the units that disks are sold in."""
    for limit, unit in ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if amount >= limit:
            return f"{amount / limit:.1f} {unit}"
    return f"{amount:.0f} B"


def state_tone(state: str) -> str:
    """How a state of a node, camera or sink looks: `good`, `warn`, `bad` or `dim`."""
    word = state.partition(":")[0].lower()
    if word.startswith(("running", "live", "connected", "ok", "playing", "sending")):
        return "good"
    if word.startswith(("ended", "idle", "stopped")):
        return "dim"
    if word.startswith(("resting", "failed", "lost", "gone", "down", "stalled")):
        return "bad"
    return "warn"


def sparkline(values: list[float], width: int) -> str:
    """The last values as bars; the highest fills a character. An empty history gives blanks."""
    last = values[-width:]
    top = max(last, default=0.0)
    bars = [BARS[min(7, int(value / top * 7.999))] if top > 0 and value > 0 else " " for value in last]
    return "".join(bars).rjust(width)


def shortened(text: str, width: int) -> str:
    """A text cut to a width in characters, with an ellipsis where something is missing."""
    return text if len(text) <= width else text[: max(0, width - 1)] + "…"


def printable(text: str) -> str:
    """A text from elsewhere on one line, without what could steer a terminal."""
    return text if text.isprintable() else "".join(each if each.isprintable() else " " for each in text)
