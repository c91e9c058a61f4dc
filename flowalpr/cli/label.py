"""`flowalpr data label`: asks for the text of every plate that has none yet."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from flowalpr.lab.datasets.label import Open
    from flowalpr.lab.datasets.sample import Dataset, Plate, Sample

HELP = "Enter takes the proposal, a text corrects it; - unreadable; x no plate; q ends"


def label(
    folder: Annotated[Path, typer.Argument(help="Folder with labels.jsonl; `data import folder` makes one.")],
    detector: Annotated[str, typer.Option(help="Node that finds plates where none is labelled.")] = "detect",
    reader: Annotated[str, typer.Option(help="Node that proposes texts.")] = "ocr",
    country: Annotated[str | None, typer.Option(help="Country of plates whose label names none.")] = None,
) -> None:
    """Ask for the text of each plate in the terminal, with a proposal of the reader; answers are saved at once.

    Plates that nobody has boxed are found by the detector; where a table gave the texts, those are proposed. A picture
    in which it finds none is left for a tool with a mouse: label it there and import it.

    Call it again and it goes on where you left off. To change an answer, edit labels.jsonl.
    """
    from rich.console import Console

    from flowalpr.cli.single import node_of
    from flowalpr.lab.datasets.label import look
    from flowalpr.lab.datasets.sample import load

    dataset = load(folder)
    finds, reads = node_of(detector, {}), node_of(reader, {})
    console = Console()
    labels = _Labels(dataset, country)
    typer.echo(HELP)
    finds.open()
    reads.open()
    try:
        for each in look(dataset, finds, reads):
            labels.ask(each, console)
    except (_EnoughError, typer.Abort):  # Ctrl-C and the end of the input say enough as well.
        typer.echo()
    finally:
        reads.close()
        finds.close()
    typer.echo(f"plates answered: {labels.answers}; pictures in which no plate was found: {labels.without}")


class _EnoughError(Exception):
    """The person has had enough."""


class _Labels:
    """The labels as they grow; on disk after every answer."""

    def __init__(self, dataset: Dataset, country: str | None) -> None:
        self._dataset, self._country = dataset, country
        self._samples: list[Sample] = list(dataset)
        self.answers = 0
        self.without = 0

    def ask(self, asked: Open, console: Console) -> None:
        """Ask for every plate of a picture.

        Raises:
            _EnoughError: the answer was to end.
        """
        from flowalpr.lab.datasets.label import drawn, replaced

        sample = self._samples[asked.sample]
        if not asked.plates:
            self.without += 1
            return
        known = [each for each in sample.plates if all(each is not plate for plate in asked.plates)]
        # Saved before the first question, so that who stops half-way finds the rest again.
        self._save(asked.sample, sample.model_copy(update={"plates": (*known, *asked.plates)}))
        for plate, proposal in zip(asked.plates, asked.proposals, strict=True):
            console.print(drawn(asked.picture, plate, min(72, console.width - 2)))
            place = f"{self._dataset.picture(sample)} ({asked.sample + 1} of {len(self._samples)})"
            console.print(place, highlight=False, markup=False)
            new = _answer(plate, proposal)
            if new and not new.country:
                new = new.model_copy(update={"country": self._country})
            self._save(asked.sample, replaced(self._samples[asked.sample], plate, new))
            self.answers += 1
        self._save(asked.sample, self._samples[asked.sample].model_copy(update={"looked_at": True}))

    def _save(self, index: int, sample: Sample) -> None:
        from flowalpr.lab.datasets.sample import save

        self._samples[index] = sample
        save(replace(self._dataset, samples=tuple(self._samples)))


def _answer(plate: Plate, proposal: str) -> Plate | None:
    """The plate as the person labels it; None if it is no plate.

    Raises:
        _EnoughError: the answer was to end.
    """
    from flowalpr.lab.datasets.importers import normal_text

    while True:
        said: str = typer.prompt("text", default=proposal or "-").strip()
        if said == "q":
            raise _EnoughError
        if said == "x":
            return None
        if said == "-":
            return plate.model_copy(update={"reason": "unclear"})
        text = normal_text(said)
        if text:
            return plate.model_copy(update={"text": text})
        typer.echo(HELP)
