"""The figures of a summary as tables and plots, as a terminal, a page and a Markdown file show them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flowalpr.lab.evaluation.summary import Summary

CHANGED = "The same pictures under conditions put in"


@dataclass(frozen=True, slots=True)
class Section:
    """A heading with a table, a plot, or both."""

    title: str
    head: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    plot: str | None = None
    """Name of the picture's file in the folder of the report."""


def sections_of(summary: Summary, folder: Path | None = None) -> list[Section]:
    """The figures of a summary in tables; with a folder, plots are drawn into it as well."""
    detection = "exact" not in summary
    sections = _of_detector(summary) if detection else _of_reader(summary)
    if folder is not None:
        sections.append(_curve(summary, folder) if detection else _calibration(summary, folder))
    return sections


def _of_detector(summary: Summary) -> list[Section]:
    groups = summary["groups"]
    sections = [_detection(groups), _ignoring(groups), _working_points(groups["all"]), _sizes(summary)]
    if "under" in summary:
        whole = {"as they are": groups["all"]}
        under = {name: each["groups"]["all"] for name, each in summary["under"].items()}
        sections.insert(1, _detection(whole | under, CHANGED))
    return sections


def _of_reader(summary: Summary) -> list[Section]:
    sections = [_reading(summary), _groups(summary), _thresholds(summary), _confusions(summary)]
    if "sets" in summary:
        sections.insert(1, _pictures(summary))
    if "under" in summary:
        sections.insert(2, _under(summary))
    return sections


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
            *(_frequency(each["false_reads"][by]) for by in ("by_labels", "without_unlabelled")),
            "-" if each["milliseconds"] is None else f"{each['milliseconds']:.1f}",
        )
        for name, each in [*summary["sets"].items(), ("all", summary)]
    )
    head = ("", "pictures", "false reads a picture, by labels", "without those on unlabelled plates", "ms, median")
    return Section("Pictures (95 % interval, count)", head, rows)


def _under(summary: Summary) -> Section:
    rows = tuple(
        (
            name,
            percent(each["exact"]),
            percent(each["merged"]),
            percent(each["found"]),
            *([str(each["false_reads"]["by_labels"]["count"])] if "false_reads" in each else []),
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
            *(_frequency(each) for each in each.get("false_reads", {}).values()),
        )
        for each in summary["thresholds"]
    )
    head = ("at least", "of these right", "of all plates", "false a picture, by labels", "without unlabelled")
    return Section("What a confidence is worth", head[: len(rows[0])], rows)


def _confusions(summary: Summary) -> Section:
    rows = tuple((true, read, str(count)) for true, read, count in summary["confusions"])
    return Section("Confused characters", ("is", "was read as", "times"), rows)


def _detection(groups: dict[str, Any], title: str = "Plates found, by labels") -> Section:  # Any: figures of a group
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


def _ignoring(groups: dict[str, Any]) -> Section:  # Any: figures of a group
    head = ("", "known", "of these found", "AP50", "AP50-95", "precision (95 % interval)", "found plates")
    each = {name: group["without_unlabelled"] for name, group in groups.items()}
    rows = tuple(
        (
            name,
            str(figures["known"]),
            str(figures["found"]),
            _share(figures["ap50"]),
            _share(figures["ap50_95"]),
            percent(figures["precision"]),
            _counts(figures["precision"]),
        )
        for name, figures in each.items()
    )
    return Section("The same without findings on plates known to be there and not labelled", head, rows)


def _working_points(group: dict[str, Any]) -> Section:  # Any: figures of a group
    head = ("at least", "precision, by labels", "found plates", "without unlabelled", "found plates", "recall")
    rows = tuple(
        (
            f"{each['at_least']:g}",
            *(value for one in (each, rest) for value in (percent(one["precision"]), _counts(one["precision"]))),
            percent(each["recall"]),
        )
        for each, rest in zip(group["thresholds"], group["without_unlabelled"]["thresholds"], strict=True)
    )
    return Section("What a confidence is worth", head, rows)


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
        for number, (name, group) in enumerate(summary["groups"].items()):
            look = {"color": f"C{number}", "linewidth": 2.5 if name == "all" else 1}
            for curve, style in ((group["curve"], "-"), (group["without_unlabelled"]["curve"], "--")):
                if curve:
                    _, precision, recall = zip(*curve, strict=True)
                    axes.plot(recall, precision, style, label=name if style == "-" else None, **look)
        axes.set(xlabel="recall", ylabel="precision", xlim=(0, 1.02), ylim=(0, 1.02))
        axes.legend(fontsize="small", loc="lower left")

    title = "Precision and recall, dashed without findings on unlabelled plates"
    return Section(title, plot=_plot(folder / "precision-recall.svg", draw))


def _plot(path: Path, draw: Callable[[Any], None]) -> str:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5, 4), layout="constrained")
    axes = figure.add_subplot()
    axes.grid(color="#eee")
    draw(axes)
    figure.savefig(path)
    return path.name


def _share(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.1f} %"


def _frequency(frequency: dict[str, Any]) -> str:  # Any: numbers, or null without pictures
    if frequency["value"] is None:
        return "-"
    return "{value:.3f} ({low:.3f}-{high:.3f}, {count})".format(**frequency)


def _counts(rate: dict[str, Any]) -> str:  # Any: numbers of a summary
    return f"{rate['hits']} of {rate['count']}"
