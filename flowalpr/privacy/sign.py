"""The sign at the gate: a page to print, legible from a car, with what people must know before they drive in."""

from __future__ import annotations

from flowalpr.flow.graph import Graph
from flowalpr.privacy.check import findings
from flowalpr.privacy.document import as_html, in_words, page, to_fill_in

STYLE = """
@page { size: A4 portrait; margin: 0; }
* { box-sizing: border-box; }
body { margin: 0; font-family: system-ui, sans-serif; color: #10243d; background: #fff; }
main { width: 210mm; min-height: 296mm; margin: 0 auto; border: 5mm solid #10243d; }
main { display: flex; flex-direction: column; }
header { background: #10243d; color: #fff; padding: 8mm 12mm 9mm; }
svg { display: block; width: 100%; height: 62mm; }
h1 { font-size: 15mm; line-height: 1.08; margin: 4mm 0 0; letter-spacing: -.2mm; }
dl { margin: 0; padding: 9mm 12mm; flex: 1; display: grid; align-content: start; }
dl { grid-template-columns: 42mm 1fr; gap: 6mm; }
dt { font-size: 5mm; font-weight: 600; padding-top: 1mm; color: #44597a; }
dd { margin: 0; font-size: 6.6mm; line-height: 1.3; }
footer { padding: 5mm 12mm 6mm; font-size: 4.4mm; border-top: .6mm solid #c9d3e0; }
mark { background: #ffe08a; }
dd, footer, h1 { overflow-wrap: anywhere; }
""".strip()
PICTURE = """
<svg viewBox="0 0 360 124" role="img" aria-label="A camera looks at a number plate" fill="none" stroke="#fff"
 stroke-width="5" stroke-linejoin="round" stroke-linecap="round">
<path d="M14 14v56M14 34h22"/><path d="M40 16l86 22-8 32-86-22z" fill="#fff" fill-opacity=".12"/>
<path d="M126 38l16 10-4 16-20 6"/><circle cx="58" cy="38" r="4" fill="#fff"/>
<path d="M152 62l44 14M148 76l40 26" stroke-dasharray="2 11"/>
<rect x="206" y="68" width="140" height="44" rx="7"/>
<rect x="206" y="68" width="18" height="44" rx="7" fill="#fff" stroke="none"/>
<path d="M244 82v17M262 82v17M288 82v17M306 82v17M324 82v17" stroke-width="11" stroke-linecap="butt"/></svg>
""".strip()


def sign(graph: Graph) -> str:
    """The sign as a page of HTML, A4."""
    said, found = graph.privacy, findings(graph)
    longest = "" if found.longest is None else f"At most {in_words(found.longest)}" if found.longest else "Not kept"
    told = {
        "What for": "; ".join(said.purposes) or to_fill_in("privacy.purposes"),
        "Responsible": said.controller or to_fill_in("privacy.controller"),
        "Contact": said.contact or to_fill_in("privacy.contact"),
        "Legal basis": said.basis or to_fill_in("privacy.basis"),
        "Kept for": longest or to_fill_in("for how long: see `flowalpr privacy check`"),
        "Your rights": "Access, correction, erasure, restriction, objection; complaint to the supervisory authority",
        "More": said.more or to_fill_in("privacy.more"),
    }
    rows = "\n".join(f"<dt>{as_html(name)}</dt><dd>{as_html(value)}</dd>" for name, value in told.items())
    officer = f"Data protection officer: {as_html(said.officer)}" if said.officer else as_html(said.site or graph.name)
    body = (
        f"<main><header>{PICTURE}<h1>Number plates are read here</h1></header>\n"
        f"<dl>\n{rows}\n</dl>\n<footer>{officer}</footer></main>"
    )
    return page("Number plates are read here", STYLE, body)
