"""A report of an evaluation: `report.md`, `report.html` with pictures of the worst cases, `results.json`, plots.

The page shows number plates of real people: it is for the folder it was asked for, and for nobody else.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from flowalpr.lab.datasets.sample import Dataset
from flowalpr.lab.datasets.view import Tile, thumbnail
from flowalpr.lab.evaluation.outcome import Outcome
from flowalpr.lab.evaluation.summary import Summary

CHANGED = "The same pictures under conditions put in"
WORST = 60
"""Worst cases that are shown."""
STYLE = """body { font: 15px/1.5 system-ui, sans-serif; margin: 2em auto; max-width: 70em; color: #222 }
table { border-collapse: collapse } td, th { padding: .2em .8em; border-bottom: 1px solid #ddd; text-align: left }
main { display: flex; flex-wrap: wrap; gap: 12px } figure { margin: 0; width: 220px }
figure img { width: 220px; height: 120px; object-fit: contain; background: #eee }
code { font: 15px ui-monospace, monospace } .plot { max-width: 34em; width: 100% }"""


@dataclass(frozen=True, slots=True)
class Section:
    """A heading with a table, a plot, or both."""

    title: str
    head: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    plot: str | None = None
    """Name of the picture's file in the folder of the report."""


def write_report(folder: Path, title: str, facts: dict[str, str], summary: Summary, worst: Sequence[Tile] = ()) -> None:
    """Write a report into a folder, which is made if it is not there."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "results.json").write_text(json.dumps({"facts": facts, **summary}, ensure_ascii=False, indent=1), "utf-8")
    sections = [Section("What was measured", ("", ""), tuple(facts.items())), *sections_of(summary, folder)]
    (folder / "report.md").write_text(_markdown(title, sections), "utf-8")
    (folder / "report.html").write_text(_html(title, sections, worst), "utf-8")


def sections_of(summary: Summary, folder: Path | None = None) -> list[Section]:
    """The figures of a summary in tables; with a folder, plots are drawn into it as well."""
    detection = "exact" not in summary
    sections = [_detection(summary["groups"]), _sizes(summary)] if detection else [_reading(summary)]
    if detection and "under" in summary:
        whole = {"as they are": summary["groups"]["all"]}
        under = {name: each["groups"]["all"] for name, each in summary["under"].items()}
        sections.insert(1, _detection(whole | under, CHANGED))
    if not detection:
        sections += [_groups(summary), _thresholds(summary), _confusions(summary)]
        if "sets" in summary:
            sections.insert(1, _pictures(summary))
        if "under" in summary:
            sections.insert(2, _under(summary))
    if folder is not None:
        sections.append(_curve(summary, folder) if detection else _calibration(summary, folder))
    return sections


def worst_cases(datasets: Sequence[Dataset], outcomes: Sequence[Outcome], most: int = WORST) -> list[Tile]:
    """The plates that went most wrong: surely misread ones first, then missed ones."""
    folders = {dataset.name: dataset for dataset in datasets}
    wrong = sorted(
        (each for each in outcomes if not each.merged), key=lambda each: (each.read is None, -each.confidence)
    )
    tiles = []
    for each in wrong[:most]:
        said = "not found" if each.read is None else f"{each.read} ({each.confidence:.2f})"
        picture = folders[each.subject.data].picture(each.subject.sample)
        tiles.append(Tile(picture, each.subject.plate, said, f"is {each.truth}, {each.subject.data}"))
    return tiles


def percent(rate: dict[str, Any]) -> str:  # Any: numbers, or null where nothing was tried
    """A rate of a summary with its interval, as a person reads it."""
    if rate["value"] is None:
        return "-"
    value, low, high = (100 * rate[key] for key in ("value", "low", "high"))
    return f"{value:.1f} % ({low:.0f}-{high:.0f})"


def _reading(summary: Summary) -> Section:
    rows = [(name, percent(summary[key]), _counts(summary[key])) for name, key in (
        ("exact", "exact"), ("merged (O=0, I=1)", "merged"), ("any read", "found"))]  # fmt: skip
    rows.append(("characters", _share(summary["characters"]), ""))
    rows.append(("calibration error", _share(summary["calibration_error"]), ""))
    return Section(f"{summary['plates']} plates", ("", "share (95 % interval)", "plates"), tuple(rows))


def _groups(summary: Summary) -> Section:
    rows = tuple(
        (name, str(group["exact"]["count"]), percent(group["exact"]), percent(group["merged"]), percent(group["found"]))
        for name, group in summary["groups"].items()
    )
    return Section("By data, country, condition", ("", "plates", "exact", "merged", "any read"), rows)


def _pictures(summary: Summary) -> Section:
    rows = tuple(
        (
            name,
            str(each["pictures"]),
            str(each["false_reads"]),
            "-" if each["false_reads_per_picture"] is None else f"{each['false_reads_per_picture']:.3f}",
            "-" if each["milliseconds"] is None else f"{each['milliseconds']:.1f}",
        )
        for name, each in [*summary["sets"].items(), ("all", summary)]
    )
    return Section("Pictures", ("", "pictures", "false reads", "a picture", "ms, median"), rows)


def _under(summary: Summary) -> Section:
    rows = tuple(
        (
            name,
            percent(each["exact"]),
            percent(each["merged"]),
            percent(each["found"]),
            *([str(each["false_reads"])] if "false_reads" in each else []),
        )
        for name, each in [("as they are", summary), *summary["under"].items()]
    )
    head = ("", "exact", "merged", "any read", "false reads")
    return Section(CHANGED, head[: len(rows[0])], rows)


def _thresholds(summary: Summary) -> Section:
    """With false reads a picture where whole pictures were read: what a filter on confidence keeps and lets through."""
    rows = tuple(
        (
            f"{each['at_least']:g}",
            percent(each["right"]),
            percent(each["kept"]),
            *([f"{each['false_reads_per_picture']:.3f}"] if each.get("false_reads_per_picture") is not None else []),
        )
        for each in summary["thresholds"]
    )
    head = ("at least", "of these right", "of all plates", "false a picture")
    return Section("What a confidence is worth", head[: len(rows[0])], rows)


def _confusions(summary: Summary) -> Section:
    rows = tuple((true, read, str(count)) for true, read, count in summary["confusions"])
    return Section("Confused characters", ("is", "was read as", "times"), rows)


def _detection(groups: dict[str, Any], title: str = "Plates found") -> Section:  # Any: figures of a group
    head = ("", "pictures", "plates", "AP50", "AP50-95", "precision", "recall")
    rows = tuple(
        (
            name,
            str(each["pictures"]),
            str(each["plates"]),
            _share(each["ap50"]),
            _share(each["ap50_95"]),
            percent(each["precision"]),
            percent(each["recall"]),
        )
        for name, each in groups.items()
    )
    return Section(title, head, rows)


def _sizes(summary: Summary) -> Section:
    names = ("small", "medium", "large")
    rows = tuple(
        (name, *(_share(each["ap50_by_size"][size]) for size in names)) for name, each in summary["groups"].items()
    )
    return Section("AP50 by area: below 32 x 32 pixels, up to 96 x 96, above", ("", *names), rows)


def _calibration(summary: Summary, folder: Path) -> Section:
    points = [(each["confidence"], each["right"]["value"], each["right"]["count"]) for each in summary["calibration"]]

    def draw(axes: Any) -> None:  # Any: matplotlib's Axes, which is not imported here
        axes.plot([0, 1], [0, 1], color="#bbb", linewidth=1)
        if points:
            x, y, count = zip(*points, strict=True)
            axes.scatter(x, y, s=[20 + each for each in count], color="#1f6feb", alpha=0.7)
        axes.set(xlabel="confidence", ylabel="share that is right", xlim=(0, 1.02), ylim=(0, 1.02))

    return Section("Calibration", plot=_plot(folder / "calibration.svg", draw))


def _curve(summary: Summary, folder: Path) -> Section:
    def draw(axes: Any) -> None:  # Any: matplotlib's Axes, which is not imported here
        for name, group in summary["groups"].items():
            if group["curve"]:
                _, precision, recall = zip(*group["curve"], strict=True)
                axes.plot(recall, precision, label=name, linewidth=2.5 if name == "all" else 1)
        axes.set(xlabel="recall", ylabel="precision", xlim=(0, 1.02), ylim=(0, 1.02))
        axes.legend(fontsize="small", loc="lower left")

    return Section("Precision and recall", plot=_plot(folder / "precision-recall.svg", draw))


def _plot(path: Path, draw: Callable[[Any], None]) -> str:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5, 4), layout="constrained")
    axes = figure.add_subplot()
    axes.grid(color="#eee")
    draw(axes)
    figure.savefig(path)
    return path.name


def _markdown(title: str, sections: Sequence[Section]) -> str:
    lines = [f"# {title}", ""]
    for section in sections:
        lines += [f"## {section.title}", ""]
        if section.rows:
            lines += ["| " + " | ".join(section.head) + " |", "|---" * len(section.head) + "|"]
            lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in section.rows]
        if section.plot:
            lines.append(f"![{section.title}]({section.plot})")
        lines.append("")
    return "\n".join(lines)


def _html(title: str, sections: Sequence[Section], worst: Sequence[Tile]) -> str:
    parts = [f'<!doctype html><meta charset="utf-8"><title>{escape(title)}</title><style>{STYLE}</style>']
    parts.append(f"<h1>{escape(title)}</h1>")
    for section in sections:
        parts.append(f"<h2>{escape(section.title)}</h2>")
        if section.rows:
            parts.append(
                "<table>" + _row("th", section.head) + "".join(_row("td", row) for row in section.rows) + "</table>"
            )
        if section.plot:
            parts.append(f'<img class="plot" alt="{escape(section.title)}" src="{section.plot}">')
    if worst:
        parts.append("<h2>Worst cases</h2><main>")
        parts += [
            f'<figure><img alt="" src="{thumbnail(each)}"><figcaption><code>{escape(each.title)}</code><br>'
            f"{escape(each.notes)}</figcaption></figure>"
            for each in worst
        ]
        parts.append("</main>")
    return "\n".join(parts)


def _row(cell: str, values: Sequence[str]) -> str:
    return "<tr>" + "".join(f"<{cell}>{escape(value)}</{cell}>" for value in values) + "</tr>"


def _share(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.1f} %"


def _counts(rate: dict[str, Any]) -> str:  # Any: numbers of a summary
    return f"{rate['hits']} of {rate['count']}"
