"""`flowalpr subject`: what is kept of one person, known by a plate; erase it; put it right."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flowalpr.cli.options import Flow, Settings

if TYPE_CHECKING:
    from flowalpr.privacy.rights import Found

app = typer.Typer(no_args_is_help=True, help="The rights of one person, known by a plate: access, erasure, correction.")
Plate = Annotated[str, typer.Argument(metavar="PLATE", help="However it is written; - asks for it, or reads a line.")]
Why = Annotated[str, typer.Option("--why", help="The purpose, for the audit log: a request's number, say.")]
Alike = Annotated[
    float, typer.Option(min=0, max=0.5, help="How far a misread text may be apart and still count: 0.1 for 0 and O.")
]


@app.command()
def export(
    plate: Plate,
    flow: Flow,
    out: Annotated[Path, typer.Option(help="A new folder for records and pictures.")],
    why: Why = "",
    alike: Alike = 0.0,
    settings: Settings = None,
) -> None:
    """Write all that is kept of a plate into a folder: `records.jsonl`, pictures, and what was done about it.

    It looks into the store, queues, dead letters, sessions, memories, files and the audit log of a flow. Look-alikes
    may be other people's plates: look at the records before you give them to anybody.
    """
    from flowalpr.cli.privacy import graph_of
    from flowalpr.privacy.rights import Found, known
    from flowalpr.storage.audit import AuditLog
    from flowalpr.storage.caller import caller
    from flowalpr.subject import Subject

    subject = Subject(_asked(plate), alike)
    graph = graph_of(flow, settings, None)
    log = AuditLog()
    pseudonyms = log.pseudonyms(subject.plate)
    log.record("export", caller(), plate=subject.plate, why=why, about={"flow": graph.name, "as": "subject"})
    found = known(graph, subject)
    entries = [each.record() for each in log.entries() if each.plate in pseudonyms]
    _write(out, [*found, *([Found("audit log", entries, len(entries))] if entries else [])])
    _tell(found, "kept")


@app.command()
def erase(
    plate: Plate,
    flow: Flow,
    why: Why = "",
    alike: Alike = 0.0,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask whether it is meant.")] = False,
    settings: Settings = None,
) -> None:
    """Erase all that is kept of a plate, with pictures, queues and dead letters; tell receivers to do the same.

    Receivers of events get an `Erasure` with the ids of the reads. The audit log keeps that it was done, under a
    pseudonym. Reads under a legal hold stay, and are told. Exit code 1: something could not be erased now.
    """
    from flowalpr.cli.privacy import graph_of
    from flowalpr.privacy.rights import erase as erase_from
    from flowalpr.storage.audit import AuditLog
    from flowalpr.storage.caller import caller
    from flowalpr.subject import Subject

    subject = Subject(_asked(plate), alike)
    graph = graph_of(flow, settings, None)
    if not yes:
        typer.confirm(f"Erase all that flow '{graph.name}' keeps of this plate, for good?", abort=True)
    log = AuditLog()
    log.record("erase", caller(), plate=subject.plate, why=why, about={"flow": graph.name})
    done = erase_from(graph, subject)
    counts = {each.where: each.count for each in done}
    left = [each.where for each in done if each.trouble]
    log.record("erased", caller(), plate=subject.plate, why=why, about={**counts, "could not": left})
    _tell(done, "erased")


@app.command()
def correct(
    plate: Plate,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="The plate as it is.")],
    flow: Flow,
    why: Why = "",
    settings: Settings = None,
) -> None:
    """Write a plate anew wherever it was misread as PLATE."""
    from flowalpr.cli.privacy import graph_of
    from flowalpr.plates import normal
    from flowalpr.privacy.rights import correct as correct_in
    from flowalpr.storage.audit import AuditLog
    from flowalpr.storage.caller import caller
    from flowalpr.subject import Subject

    subject = Subject(_asked(plate))
    graph = graph_of(flow, settings, None)
    AuditLog().record("correct", caller(), plate=subject.plate, why=why, about={"flow": graph.name})
    _tell(correct_in(graph, subject, normal(text)), "corrected")


def _asked(plate: str) -> str:
    """The plate; asked for where it should not stand in the shell's history.

    Raises:
        typer.BadParameter: it has no letter or digit.
    """
    from flowalpr.plates import normal

    given = plate
    if plate == "-":
        given = typer.prompt("Plate", hide_input=True) if sys.stdin.isatty() else sys.stdin.readline()
    if not normal(given):
        raise typer.BadParameter("it has neither letters nor digits", param_hint="PLATE")
    return given.strip()


def _tell(found: list[Found], done: str) -> None:
    """Say what there was; exit code 1 if something could not be done."""
    for each in found:
        typer.echo(f"{each.where}: {each.trouble}" if each.trouble else f"{each.where}: {each.count} {done}")
    if not found:
        typer.echo(f"nothing is {done}")
    if any(each.trouble for each in found):
        typer.echo("the rest could not be reached: see above", err=True)
        sys.exit(1)


def _write(out: Path, found: list[Found]) -> None:
    """Write records and pictures into a new folder that only its owner may read.

    Raises:
        SetupError: it is there, or cannot be written.
    """
    from flowalpr.errors import SetupError

    try:
        out.mkdir(mode=0o700, parents=True)
        lines = []
        for each in found:
            for number, record in enumerate(each.records):
                lines.append(json.dumps({"where": each.where, **_plain(record, out, f"{each.where}-{number}")}))
        (out / "records.jsonl").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    except OSError as error:
        raise SetupError(f"{out} cannot be made: {error.strerror}", "name a new folder: --out NAME") from error


def _plain(record: dict[str, Any], out: Path, name: str) -> dict[str, Any]:  # Any: the values that JSON has
    """The record with names of files in place of its pictures."""
    plain = dict(record)
    pictures = record.get("pictures")
    if isinstance(pictures, dict):
        plain["pictures"] = []
        for kind, content in pictures.items():
            path = out / f"{name.replace('/', '.')}.{kind}.jpg"
            path.write_bytes(content)
            plain["pictures"].append(path.name)
    return plain
