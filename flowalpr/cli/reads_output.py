"""How reads of a store are shown to people and scripts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from rich.table import Table

    from flowalpr.storage import ReadStore, StoredRead
    from flowalpr.storage.statistics import Statistics

BAR = 40
"""Characters of the longest bar."""


def show_reads(reads: Sequence[StoredRead], as_json: bool, *, has_more: bool) -> None:
    """A table, or one JSON object a line."""
    if as_json:
        for each in reads:
            typer.echo(json.dumps(each.record(), ensure_ascii=False))
        return
    if not reads:
        typer.echo("no reads")
        return
    from rich.console import Console
    from rich.text import Text

    rows = [_row(each) for each in reads]
    titles = ("time", "camera", "plate", "confidence", "country", "direction", "note", "id")
    filled = [index for index in range(len(titles)) if any(row[index] for row in rows)]
    table = _table(*(titles[index] for index in filled))
    for each, row in zip(reads, rows, strict=True):
        table.add_row(*(Text(row[index]) for index in filled), style="red" if each.damage else None)
    Console().print(table, highlight=False)
    if any(each.corrected for each in reads):
        typer.echo("* corrected by a person")
    if has_more:
        typer.echo("... and more: --limit")


def _row(read: StoredRead) -> list[str]:
    """Time, camera, plate, confidence, country, direction, note and id."""
    values = read.values
    notes = [f"{each['action']} {each['list']}" for each in values.get("listed") or ()]
    if values.get("reason", "read") != "read":
        notes.append(values["reason"])
    plate = (read.text or "-") + " *" * bool(read.corrected)
    told = [plate, f"{read.confidence:.2f}" if read.text else "", values.get("country"), values.get("direction")]
    if read.damage:
        told, notes = ["damaged", "", "", ""], [read.damage]
    time = f"{read.time.astimezone():%Y-%m-%d %H:%M:%S}"
    return [time, read.camera, *(each or "" for each in told), ", ".join(notes), read.id[:8]]


def show_read(store: ReadStore, read: StoredRead) -> None:
    """All of one read, and its pictures where the terminal can show them."""
    from rich.console import Console
    from rich.text import Text

    out = Console()
    for kind in read.pictures if out.is_terminal else ():
        out.print(_drawn(store, read, kind, out.width))
    table = _table("", "")
    table.show_header = False
    for name, value in read.record().items():
        shown = json.dumps(value, ensure_ascii=False) if isinstance(value, (list, dict)) else str(value)
        if value not in (None, [], "") and not (name == "raw" and value == read.text):
            table.add_row(Text(name, "dim"), Text(shown, "bold" if name == "text" else ""))
    out.print(table, highlight=False)


def save_pictures(store: ReadStore, read: StoredRead, folder: Path) -> None:
    """Write a read's pictures as JPEG, for their owner alone.

    Raises:
        SetupError: they cannot be written.
    """
    from flowalpr.errors import SetupError
    from flowalpr.storage.private_file import write_private

    for kind in read.pictures:
        path = folder / f"{read.time:%Y%m%dT%H%M%SZ}-{read.number}.{kind}.jpg"
        try:
            write_private(path, store.picture(read.id, kind))
        except OSError as error:
            raise SetupError(f"{path} cannot be written: {error.strerror}", "choose another folder") from None
        typer.echo(str(path), err=True)


def show_statistics(found: Statistics) -> None:
    """Tables with bars."""
    from rich.console import Console
    from rich.text import Text

    out = Console()
    if not found.total:
        out.print("no reads")
        return
    hours = _table("hour", "passages", "inside", "")
    most = max(found.hours.values())
    for time, count in found.hours.items():
        inside = str(found.occupancy[time]) if any(found.occupancy.values()) else ""
        hours.add_row(f"{time.astimezone():%Y-%m-%d %H:00}", str(count), inside, Text(_bar(count / most), "cyan"))
    out.print(hours, highlight=False)
    rates = _table("camera", "passages", "read", "not read, and why")
    for camera, counts in found.reasons.items():
        total, read = sum(counts.values()), counts.get("read", 0)
        why = ", ".join(f"{reason} {count}" for reason, count in counts.most_common() if reason != "read")
        rates.add_row(Text(camera), str(total), f"{read / total:.1%}", Text(why))
    out.print("", rates, highlight=False)
    sure = _table("confidence", "reads", "")
    most = max([*found.confidence.values(), 1])
    for tenth, count in found.confidence.items():
        if count:
            sure.add_row(f"{tenth:.1f} to {tenth + 0.1:.1f}", str(count), Text(_bar(count / most), "cyan"))
    out.print("", sure, highlight=False)


def _bar(share: float) -> str:
    return "█" * int(BAR * share) + "▌" * (share > 0 and BAR * share % 1 >= 0.5)


def _table(*titles: str) -> Table:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="dim")
    for title in titles:
        is_number = title in ("confidence", "passages", "inside", "read", "reads")
        whole = is_number or title in ("time", "hour", "plate", "id")
        table.add_column(title, justify="right" if is_number else "left", overflow="fold", no_wrap=whole)
    return table


def _drawn(store: ReadStore, read: StoredRead, kind: str, width: int) -> Any:  # Any: what rich prints
    """A picture of half blocks, two pixels a character; or why there is none."""
    import io

    import numpy as np
    from PIL import Image
    from rich.color import Color
    from rich.style import Style
    from rich.text import Text

    from flowalpr.storage import AlteredError

    try:
        picture = Image.open(io.BytesIO(store.picture(read.id, kind))).convert("RGB")
    except AlteredError as error:
        return Text(f"the {kind} cannot be shown: {error}", "red")
    columns = min(width, 64)
    rows = max(2, round(columns * picture.height / picture.width) // 2 * 2)
    pixels = np.asarray(picture.resize((columns, rows))).tolist()
    text = Text(no_wrap=True)
    for row in range(0, rows, 2):
        for above, below in zip(pixels[row], pixels[row + 1], strict=True):
            upper, lower = Color.from_rgb(*above), Color.from_rgb(*below)
            text.append("▀", Style(color=upper, bgcolor=lower))
        text.append("\n")
    return text
