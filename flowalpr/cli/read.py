"""`flowalpr read`: the plates in pictures, folders, videos and streams, once."""

from __future__ import annotations

import itertools
import json
import sys
from collections.abc import Iterator, Sized
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flowalpr.cli.options import AsJson, Settings, by_name
from flowalpr.errors import FlowalprError, SetupError, in_one_line

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

    from flowalpr.engine.inline import Inline
    from flowalpr.messages import Fault, Frame, PlateRead
    from flowalpr.node import Node
    from flowalpr.plugins import Catalogue

VIDEO_SUFFIXES = (".avi", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".ts", ".webm", ".wmv")


def read(
    inputs: Annotated[
        list[str], typer.Argument(metavar="FILE|FOLDER|VIDEO|URL ...", help="Pictures, folders, videos, cameras.")
    ],
    as_json: AsJson = False,
    flow: Annotated[str, typer.Option(metavar="FLOW", help="Read with the nodes of this flow.")] = "first",
    settings: Settings = None,
    save: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write each picture there, with its plates drawn on it.")
    ] = None,
) -> None:
    """Read the plates in pictures, folders of pictures, videos and camera streams.

    With --json, one line for each picture (of a video, for each frame): file, and plates with text, confidence, box
    [left, top, width, height] and corners in pixels of the picture, and country. A picture that cannot be read gives
    its error, and the others follow. Exit code 0: all were read; 1: some could not be read; 2: the flow is wrong.

    The nodes are those of a flow, without its sources and sinks: `first`, which comes in the box, or one of yours.
    """
    from flowalpr.cli.logs import set_up
    from flowalpr.engine.inline import Inline
    from flowalpr.flow.load import find_flow, load_flow
    from flowalpr.plugins import load_plugins

    set_up(verbose=0, as_json=False)
    catalogue = load_plugins()
    inline = Inline(load_flow(find_flow(flow), catalogue, settings=by_name(settings)))
    inline.open()
    reader = _Reader(inline, catalogue, save)
    results = _Lines() if as_json else _Rows()
    try:
        found = reader.results(inputs)
        for each in _with_progress(found, reader.count(inputs)) if sys.stderr.isatty() else found:
            results.add(*each)
    except KeyboardInterrupt:
        results.close()
        sys.exit(130)
    finally:
        inline.close()
    results.close()
    if reader.failed:
        sys.exit(1)


Result = tuple[str, "int | None", "list[PlateRead]", str]
"""File, frame number if it is a video, plates, error if there is one."""


class _Reader:
    """Reads every frame of every input."""

    def __init__(self, inline: Inline, catalogue: Catalogue, save: Path | None) -> None:
        self._inline = inline
        self._catalogue = catalogue
        self._save = save
        self._saved: set[str] = set()
        self.failed = False

    def count(self, inputs: list[str]) -> int | None:
        """How many pictures the inputs are; None if there is a video among them."""
        total = 0
        for given in inputs:
            source, moving = self._source(given)
            if moving or not isinstance(source, Sized):
                return None
            with suppress(FlowalprError):  # Told when it is that input's turn.
                source.open()
                total += len(source)
        return total

    def results(self, inputs: list[str]) -> Iterator[Result]:
        for given in inputs:
            try:
                yield from self._read(given)
            except SetupError as error:
                yield self._error(Path(given).name, error.problem.what)
            except Exception as error:  # Of one input; the others are read all the same.
                yield self._error(Path(given).name, in_one_line(error) or type(error).__name__)
        late, faults = self._inline.finish()
        for read in late:  # What nodes such as `vote` held back to the end.
            yield read.frame.source, read.stamp.number, [read], ""
        if faults:
            yield self._error("", _words(faults))

    def _read(self, given: str) -> Iterator[Result]:
        from flowalpr.messages import Fault

        source, moving = self._source(given)
        source.place("read")
        source.open()
        try:
            for frame in source.process():  # type: ignore[attr-defined]  # Each node declares its own.
                if isinstance(frame, Fault):
                    yield self._error(frame.source or Path(given).name, frame.error)
                else:
                    yield self._result(frame, Path(given).name, moving)
        finally:
            source.close()

    def _source(self, given: str) -> tuple[Node, bool]:
        """The node that gives the frames of an input, and whether it is a video."""
        if "://" in given or given.startswith("/dev/video"):
            return self._catalogue.find("builtin.camera").node.model_validate({"url": given}), True
        if given.lower().endswith(VIDEO_SUFFIXES):
            return self._catalogue.find("builtin.video").node.model_validate({"path": given}), True
        return self._catalogue.find("builtin.images").node.model_validate({"path": given}), False

    def _result(self, frame: Frame, given: str, moving: bool) -> Result:
        reads, faults = self._inline.read(frame)
        file = frame.source or given
        if faults:
            return self._error(file, _words(faults))
        if self._save is not None:
            self._draw(frame, reads, file, moving)
        return file, frame.stamp.number if moving else None, reads, ""

    def _error(self, file: str, error: str) -> Result:
        self.failed = True
        return file, None, [], error

    def _draw(self, frame: Frame, reads: list[PlateRead], file: str, moving: bool) -> None:
        """Write a picture with its plates drawn on it; of a video, only frames in which there are plates."""
        import cv2

        from flowalpr.vision.draw import annotated

        if self._save is None or (moving and not reads):
            return
        self._save.mkdir(parents=True, exist_ok=True)
        name = self._name(f"{file}.{frame.stamp.number:06}" if moving else file)
        if not cv2.imwrite(str(self._save / name), annotated(frame, reads)):
            raise SetupError(f"{self._save / name} cannot be written", "check the folder and the room on the disk")

    def _name(self, file: str) -> str:
        """A name of its own for each drawn picture, so that none takes the place of another, or of its original."""
        names = (f"{file}.{count}.plates.jpg" if count > 1 else f"{file}.plates.jpg" for count in itertools.count(1))
        name = next(name for name in names if name not in self._saved)
        self._saved.add(name)
        return name


class _Lines:
    """One JSON object a line, at once."""

    def add(self, file: str, number: int | None, reads: list[PlateRead], error: str) -> None:
        row: dict[str, Any] = {"file": file}  # Any: the values that JSON has
        if number is not None:
            row["frame"] = number
        row |= {"error": error} if error else {"plates": [_plate(read) for read in reads]}
        print(json.dumps(row, ensure_ascii=False), flush=True)  # noqa: T201  # It is what the command is for.

    def close(self) -> None: ...


class _Rows:
    """A table for people; of a video, one row for each plate text, with the frames it was read in."""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, str], tuple[float, str, int]] = {}
        self._errors: list[tuple[str, str]] = []

    def add(self, file: str, number: int | None, reads: list[PlateRead], error: str) -> None:
        if error:
            self._errors.append((file, error))
        for read in reads:
            best, country, count = self._rows.get((file, read.text), (0.0, "", 0))
            self._rows[file, read.text] = (max(best, read.confidence), read.country or country, count + 1)
        if not reads and not error and number is None:
            self._rows[file, ""] = (0.0, "", 0)

    def close(self) -> None:
        from rich.console import Console

        out = Console()
        out.print(self._table() if self._rows else "no plates", highlight=False)
        for file, error in self._errors:
            Console(stderr=True).print(f"{file}: {error}", style="red", markup=False, highlight=False)

    def _table(self) -> Table:
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, pad_edge=False, header_style="dim")
        for title in ("file", "plate", "confidence", "country"):
            table.add_column(title, justify="right" if title == "confidence" else "left")
        many = any(count > 1 for _, _, count in self._rows.values())
        if many:
            table.add_column("frames", justify="right")
        for (file, text), (confidence, country, count) in self._rows.items():
            cells: list[str | Text] = [
                Text(file),
                Text(text or "-", "bold"),
                f"{confidence:.2f}" if text else "",
                country,
            ]
            table.add_row(*cells, *([str(count)] if many else []))
        return table


def _plate(read: PlateRead) -> dict[str, Any]:  # Any: the values that JSON has
    record = read.record()
    return {key: record[key] for key in ("text", "confidence", "box", "corners", "country")}


def _words(faults: list[Fault]) -> str:
    return "; ".join(f"node '{fault.node}': {fault.error}" for fault in faults)


def _with_progress(results: Iterator[Result], total: int | None) -> Iterator[Result]:
    """The same results, counted on the terminal while they come."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=total)
        for each in results:
            progress.update(task, advance=1, description=each[0])
            yield each
