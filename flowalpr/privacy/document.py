"""A document of headings, texts, lists and tables, as Markdown and as a page of HTML."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal

STYLE = """
body { font: 11pt/1.5 system-ui, sans-serif; color: #1a1a1a; max-width: 46rem; margin: 3rem auto; padding: 0 1.5rem; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 1.5rem; } h2 { font-size: 1.15rem; margin: 2rem 0 .5rem; }
table { border-collapse: collapse; width: 100%; font-size: .92em; } ul { padding-left: 1.2rem; }
th, td { text-align: left; vertical-align: top; padding: .4rem .8rem .4rem 0; border-bottom: 1px solid #ddd; }
th { border-bottom: 2px solid #1a1a1a; } mark { background: #ffe08a; padding: 0 .2em; }
@page { margin: 2cm; } @media print { body { margin: 0; max-width: none; padding: 0; } }
""".strip()
OPEN, CLOSE = "\N{LEFT-POINTING DOUBLE ANGLE QUOTATION MARK}", "\N{RIGHT-POINTING DOUBLE ANGLE QUOTATION MARK}"


def to_fill_in(what: str) -> str:
    """What stands where the flow file does not say it; marked in the documents."""
    return f"{OPEN}to be filled in: {what}{CLOSE}"


def in_words(time: timedelta) -> str:
    """A stretch of time as people say it: `3 days`, in the largest unit that keeps it whole."""
    seconds = time.total_seconds()
    for unit, length in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds and seconds % length == 0:
            return f"{seconds / length:g} {unit}{'' if seconds == length else 's'}"
    return f"{seconds:g} seconds"


@dataclass(frozen=True, slots=True)
class Block:
    """A part of a document; of a table the first row is its heading."""

    kind: Literal["heading", "text", "list", "table"]
    rows: tuple[tuple[str, ...], ...]


@dataclass
class Document:
    """Its title and its parts, in order."""

    title: str
    blocks: list[Block] = field(default_factory=list)

    def heading(self, text: str) -> None:
        """Begin a section."""
        self.blocks.append(Block("heading", ((text,),)))

    def text(self, text: str) -> None:
        """Add a paragraph."""
        self.blocks.append(Block("text", ((text,),)))

    def items(self, texts: Sequence[str]) -> None:
        """Add a list; nothing if it is empty."""
        if texts:
            self.blocks.append(Block("list", tuple((each,) for each in texts)))

    def table(self, heading: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
        """Add a table."""
        self.blocks.append(Block("table", (heading, *rows)))

    def markdown(self) -> str:
        """The document as Markdown."""
        return "\n\n".join([f"# {_md(self.title)}", *map(_as_markdown, self.blocks)]) + "\n"

    def page(self) -> str:
        """The document as a page of HTML that stands alone, to be read and printed."""
        body = "\n".join([f"<h1>{as_html(self.title)}</h1>", *map(_block_html, self.blocks)])
        return page(self.title, STYLE, body)


def page(title: str, style: str, body: str) -> str:
    """A page of HTML that stands alone."""
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{as_html(title)}</title>'
    start = f'<!doctype html>\n<html lang="en">\n<head>{head}\n<style>{style}</style></head>'
    return f"{start}\n<body>\n{body}\n</body>\n</html>\n"


def _as_markdown(block: Block) -> str:
    rows = [tuple(map(_md, row)) for row in block.rows]
    if block.kind == "heading":
        return f"## {rows[0][0]}"
    if block.kind == "text":
        return rows[0][0]
    if block.kind == "list":
        return "\n".join(f"- {row[0]}" for row in rows)
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join([lines[0], "|" + "---|" * len(rows[0]), *lines[1:]])


def _block_html(block: Block) -> str:
    rows = [tuple(map(as_html, row)) for row in block.rows]
    if block.kind == "heading":
        return f"<h2>{rows[0][0]}</h2>"
    if block.kind == "text":
        return f"<p>{rows[0][0]}</p>"
    if block.kind == "list":
        return "<ul>" + "".join(f"<li>{row[0]}</li>" for row in rows) + "</ul>"
    first, *others = rows
    heading = "<tr>" + "".join(f"<th>{cell}</th>" for cell in first) + "</tr>"
    cells = ("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in others)
    return f"<table>{heading}{''.join(cells)}</table>"


def _md(text: str) -> str:
    """A text on one line, without what Markdown or the HTML in it would take for its own."""
    flat = " ".join(text.split())
    return "".join(f"\\{each}" if each in "|<>*_`[]#\\" else each for each in flat)


def as_html(text: str) -> str:
    """The text for HTML, with what is to be filled in marked."""
    return html.escape(text).replace(OPEN, "<mark>").replace(CLOSE, "</mark>")
