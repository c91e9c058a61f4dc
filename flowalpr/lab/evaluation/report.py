"""A report of an evaluation: `report.md`, `report.html` with pictures of the worst cases, `results.json`, plots.

The page shows number plates of real people: it is for the folder it was asked for, and for nobody else.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

from flowalpr.lab.datasets.view import Tile, thumbnail
from flowalpr.lab.evaluation.sections import Section, sections_of
from flowalpr.lab.evaluation.summary import Summary

STYLE = """body { font: 15px/1.5 system-ui, sans-serif; margin: 2em auto; max-width: 70em; color: #222 }
table { border-collapse: collapse } td, th { padding: .2em .8em; border-bottom: 1px solid #ddd; text-align: left }
main { display: flex; flex-wrap: wrap; gap: 12px } figure { margin: 0; width: 220px }
figure img { width: 220px; height: 120px; object-fit: contain; background: #eee }
code { font: 15px ui-monospace, monospace } .plot { max-width: 34em; width: 100% }"""


Pictures = Mapping[str, Sequence[Tile]]
"""What is shown under each heading."""


def write_report(
    folder: Path, title: str, facts: dict[str, str], summary: Summary, pictures: Pictures | None = None
) -> None:
    """Write a report into a folder, which is made if it is not there."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "results.json").write_text(json.dumps({"facts": facts, **summary}, ensure_ascii=False, indent=1), "utf-8")
    sections = [Section("What was measured", ("", ""), tuple(facts.items())), *sections_of(summary, folder)]
    (folder / "report.md").write_text(_markdown(title, sections), "utf-8")
    (folder / "report.html").write_text(_html(title, sections, pictures or {}), "utf-8")


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


def _html(title: str, sections: Sequence[Section], pictures: Pictures) -> str:
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
    for heading, shown in pictures.items():
        parts.append(f"<h2>{escape(heading)}</h2><main>")
        parts += [
            f'<figure><img alt="" src="{thumbnail(each)}"><figcaption><code>{escape(each.title)}</code><br>'
            f"{escape(each.notes)}</figcaption></figure>"
            for each in shown
        ]
        parts.append("</main>" if shown else "</main><p>None.</p>")
    return "\n".join(parts)


def _row(cell: str, values: Sequence[str]) -> str:
    return "<tr>" + "".join(f"<{cell}>{escape(value)}</{cell}>" for value in values) + "</tr>"
