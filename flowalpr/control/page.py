"""The page that describes all routes: plain HTML without scripts, since a box at a gate may have no network."""

from __future__ import annotations

from html import escape
from typing import Any

HEAD = """<!doctype html><html lang="en"><meta charset="utf-8"><title>flowalpr</title>
<style>body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
code{background:#8882;padding:.1em .3em}dt{margin-top:1em}dd{margin:0 0 0 1.5rem}</style>
<h1>The door into a running flow</h1>
<p>Each path with what it gives. The same for programs: <a href="openapi.json">openapi.json</a>.</p><dl>
"""


def page(schema: dict[str, Any]) -> str:  # Any: an OpenAPI document
    """The routes of an OpenAPI document, as HTML."""
    parts = [HEAD]
    for path, methods in schema["paths"].items():
        for method, about in methods.items():
            parts.append(f"<dt><code>{method.upper()} {escape(path)}</code> {escape(about.get('summary', ''))}</dt>")
            parts.append(f"<dd>{escape(about.get('description', ''))}{_parameters(about)}</dd>")
    return "\n".join([*parts, "</dl></html>"])


def _parameters(about: dict[str, Any]) -> str:  # Any: as above
    names = [f"<code>{escape(each['name'])}</code>" for each in about.get("parameters", ())]
    return f"<br>takes {', '.join(names)}" if names else ""
