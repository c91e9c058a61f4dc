"""`flowalpr eval`: how good a detector, a reader, or a whole flow is on labelled pictures."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flowalpr.cli.options import AsJson, Settings, by_name
from flowalpr.cli.progress import progress
from flowalpr.cli.single import node_of

if TYPE_CHECKING:
    from flowalpr.flow.graph import Graph
    from flowalpr.lab.datasets.sample import Dataset
    from flowalpr.lab.evaluation.detection import Findings
    from flowalpr.lab.evaluation.outcome import Outcome
    from flowalpr.lab.evaluation.report import Pictures
    from flowalpr.lab.evaluation.running import Change, Looked
    from flowalpr.lab.evaluation.summary import Summary
    from flowalpr.node import Node

app = typer.Typer(help="Measure a detector, a reader, or a whole flow on labelled pictures.", no_args_is_help=True)

LEAST = 0.01
"""Confidence down to which a detector is asked, so that its whole curve is seen."""

Folders = Annotated[
    list[Path], typer.Argument(metavar="DATASET...", help="Folders with labels.jsonl, or folders of such folders.")
]
Report = Annotated[
    Path | None, typer.Option(metavar="DIR", help="Write a report there; it shows plates, so keep it to yourself.")
]

Under = Annotated[
    list[str] | None,
    typer.Option(metavar="CONDITION", help="Also with this put in: night, rain, fog, motion, angle, distance ..."),
]

Ignore = Annotated[
    list[Path] | None,
    typer.Option(metavar="FILE", help="List of plates that labels leave out: finding one is neither right nor wrong."),
]


@app.command()
def detector(
    folders: Folders,
    model: Annotated[str | None, typer.Option(help="Name or folder of the detector; without it, the default.")] = None,
    at_least: Annotated[
        float | None, typer.Option(min=0, max=1, help="Working point; without it, that of the node.")
    ] = None,
    node: Annotated[str, typer.Option(help="Node that finds plates.")] = "detect",
    settings: Settings = None,
    ignore: Ignore = None,
    under: Under = None,
    report: Report = None,
    as_json: AsJson = False,
) -> None:
    """Measure how well plates are found: AP50, AP50-95, precision and recall at the working point, by size.

    Each figure stands twice: by labels alone, and without findings on plates that are known not to be labelled.
    """
    from flowalpr.lab.evaluation.pictures import worst_finds
    from flowalpr.lab.evaluation.summary import of_detection

    given = _given(settings, model)
    finder = node_of(node, given)
    working_point = at_least if at_least is not None else float(getattr(finder, "at_least", 0.5))
    if hasattr(finder, "at_least"):
        finder = node_of(node, given | {"at_least": LEAST})
    changes, datasets = _changes(under), _sets(folders, ignore)
    finder.open()
    try:
        groups = _found(finder, datasets, None, quiet=as_json)
        summary = of_detection(groups, working_point)
        for name, change in changes.items():
            figures = of_detection(_found(finder, datasets, change, quiet=as_json), working_point)
            summary.setdefault("under", {})[name] = figures
    finally:
        finder.close()
    pictures = {"False plates, surest first": worst_finds(datasets, groups["all"], working_point)} if report else None
    facts = {"detector": model or node, "working point": f"{working_point:g}", **_ignoring(ignore)}
    _show("Detector", facts, summary, report, as_json, pictures)


@app.command()
def reader(
    folders: Folders,
    model: Annotated[str | None, typer.Option(help="Name or folder of the reader; without it, the default.")] = None,
    node: Annotated[str, typer.Option(help="Node that reads plates.")] = "ocr",
    settings: Settings = None,
    under: Under = None,
    report: Report = None,
    as_json: AsJson = False,
) -> None:
    """Measure how well plates are read at their labelled places: whole plates, characters, calibration."""
    from flowalpr.lab.datasets.index import find
    from flowalpr.lab.evaluation.pictures import worst_cases
    from flowalpr.lab.evaluation.summary import of_reading

    reading = node_of(node, _given(settings, model))
    changes, datasets = _changes(under), find(folders)
    reading.open()
    try:
        outcomes = _read(reading, datasets, None, quiet=as_json)
        summary = of_reading(outcomes)
        for name, change in changes.items():
            figures = of_reading(_read(reading, datasets, change, quiet=as_json))
            summary.setdefault("under", {})[name] = figures
    finally:
        reading.close()
    pictures = {"Worst cases": worst_cases(datasets, outcomes)} if report else None
    _show("Reader", {"reader": model or node}, summary, report, as_json, pictures)


@app.command("end-to-end")
def end_to_end(
    folders: Folders,
    flow: Annotated[str, typer.Option(metavar="FLOW", help="Flow file, or a flow that comes in the box.")] = "first",
    settings: Settings = None,
    ignore: Ignore = None,
    under: Under = None,
    report: Report = None,
    as_json: AsJson = False,
) -> None:
    """Measure what a real flow reads in whole pictures, and how many reads belong to no plate.

    The flow's own detector, reader and filters are used, each picture by itself; its source and sinks are not.
    """
    from flowalpr.cli.logs import set_up
    from flowalpr.flow.load import find_flow, load_flow
    from flowalpr.lab.evaluation.pictures import worst_cases, worst_reads
    from flowalpr.lab.evaluation.summary import of_end_to_end
    from flowalpr.plugins import load_plugins

    set_up(verbose=0, as_json=False)
    changes = _changes(under)
    graph = load_flow(find_flow(flow), load_plugins(), settings=by_name(settings))
    datasets = _sets(folders, ignore)
    looked = _look(graph, datasets, None, quiet=as_json)
    summary = of_end_to_end(looked)
    for name, change in changes.items():
        summary.setdefault("under", {})[name] = of_end_to_end(_look(graph, datasets, change, quiet=as_json))
    outcomes = [outcome for each in looked.values() for one in each for outcome in one.judged.outcomes]
    pictures: Pictures | None = None
    if report:
        false = worst_reads(datasets, looked)
        pictures = {"Worst cases": worst_cases(datasets, outcomes), "False reads, surest first": false}
    facts = {"flow": flow, "settings": " ".join(settings or ()) or "-", **_ignoring(ignore)}
    _show("End to end", facts, summary, report, as_json, pictures)


@app.command()
def compare(
    first: Annotated[Path, typer.Argument(help="Folder of a report, or its results.json.")],
    second: Annotated[Path, typer.Argument(help="Another one on the same data.")],
    as_json: AsJson = False,
) -> None:
    """Compare two reports plate by plate, and say whether they differ by more than chance (McNemar's test)."""
    from dataclasses import asdict

    from flowalpr.lab.evaluation.summary import compared

    results = compared(_results(first), _results(second))
    if as_json:
        plain = {name: asdict(each) | {"chance": each.chance, "says": each.says} for name, each in results.items()}
        typer.echo(json.dumps(plain))
        return
    for name, each in results.items():
        typer.echo(
            f"{name}: both right {each.both}, only the first {each.only_first}, only the second {each.only_second}, "
            f"neither {each.neither}: {each.says}"
        )


def _changes(under: list[str] | None) -> dict[str, Change]:
    from flowalpr.lab.evaluation.conditions import under as changed_by

    return {name: changed_by(name) for name in under or ()}


def _sets(folders: list[Path], ignore: list[Path] | None) -> list[Dataset]:
    from flowalpr.lab.datasets.index import find
    from flowalpr.lab.evaluation.unlabelled import with_lists

    return with_lists(find(folders), ignore or [])


def _ignoring(ignore: list[Path] | None) -> dict[str, str]:
    return {"unlabelled plates": " ".join(map(str, ignore or ())) or "none known"}


def _found(
    finder: Node, datasets: Sequence[Dataset], change: Change | None, *, quiet: bool
) -> dict[str, list[Findings]]:
    """What a detector finds, altogether, by data set and by labelled condition."""
    from flowalpr.lab.evaluation.parts import find_all

    groups: dict[str, list[Findings]] = {"all": []}
    for dataset in datasets:
        found = progress(find_all(finder, dataset, change), dataset.name, len(dataset), quiet=quiet)
        for sample, each in zip(dataset, found, strict=True):
            for name in ("all", dataset.name, *(f"condition {condition}" for condition in sample.conditions)):
                groups.setdefault(name, []).append(each)
    return groups


def _read(reading: Node, datasets: Sequence[Dataset], change: Change | None, *, quiet: bool) -> list[Outcome]:
    from flowalpr.lab.evaluation.parts import read_all

    return [
        outcome
        for dataset in datasets
        for each in progress(read_all(reading, dataset, change), dataset.name, len(dataset), quiet=quiet)
        for outcome in each
    ]


def _look(graph: Graph, datasets: Sequence[Dataset], change: Change | None, *, quiet: bool) -> dict[str, list[Looked]]:
    from flowalpr.lab.evaluation.running import look_through

    return {
        dataset.name: list(progress(look_through(graph, dataset, change), dataset.name, len(dataset), quiet=quiet))
        for dataset in datasets
    }


def _given(settings: list[str] | None, model: str | None) -> dict[str, Any]:  # Any: a setting's value
    """Settings of a node from `--set SETTING=VALUE` and `--model`."""
    return by_name(settings) | ({"model": model} if model else {})


def _show(
    title: str,
    facts: dict[str, str],
    summary: Summary,
    report: Path | None,
    as_json: bool,
    pictures: Pictures | None = None,
) -> None:
    """Print a summary, and write the report if one is asked for."""
    from flowalpr.lab.evaluation.report import write_report
    from flowalpr.lab.evaluation.sections import sections_of

    if report is not None:
        write_report(report, title, facts, summary, pictures)
    if as_json:
        typer.echo(json.dumps({"facts": facts, **summary}, ensure_ascii=False))
        return
    from rich.console import Console
    from rich.table import Table

    console = Console()
    for section in sections_of(summary):
        table = Table(*section.head, title=section.title, box=None, title_justify="left", title_style="bold")
        for row in section.rows:
            table.add_row(*row)
        if table.columns:
            table.columns[0].no_wrap = True
        console.print(table, highlight=False, markup=False)
    if report is not None:
        console.print(f"the report is {report / 'report.html'}", highlight=False, markup=False)


def _results(path: Path) -> Summary:
    """The results in a report.

    Raises:
        DataError: there are none, or they hold no reading.
    """
    from flowalpr.errors import Problem
    from flowalpr.lab.datasets.sample import DataError

    file = path / "results.json" if path.is_dir() else path
    try:
        summary: Summary = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError) as error:
        problem = Problem(f"{file} holds no results: {type(error).__name__}", fix="flowalpr eval ... --report DIR")
        raise DataError(problem) from None
    if not isinstance(summary, dict) or "by_plate" not in summary:
        raise DataError(Problem(f"{file} is not of a reader or a flow", fix="compare reports of these alone"))
    return summary
