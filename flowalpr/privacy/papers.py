"""The papers that go with cameras which read plates, made of what a flow does and says of itself.

They tell what is set up, so they are true only of that flow file; what it does not say is marked to be filled in. The
order of the notice is that of article 13 of Regulation (EU) 2016/679, that of the assessment of its article 35(7).
"""

from __future__ import annotations

from datetime import timedelta

from flowalpr.flow.graph import FlowNode, Graph
from flowalpr.privacy.check import Findings, Spot, findings
from flowalpr.privacy.document import Document, in_words, to_fill_in
from flowalpr.storage.laws import LAWS
from flowalpr.storage.retention import NEVER, Keep

RIGHTS = (
    "know what is kept of you, and have a copy (article 15)",
    "have it corrected (article 16) or erased (article 17), and its use restricted (article 18)",
    "object to it, on grounds of your particular situation (article 21)",
)
NO_ADVICE = "Made by flowalpr from a flow file: a draft for a person to complete, and no legal advice."


def notice(graph: Graph) -> Document:
    """The privacy notice, for whoever drives past."""
    said, found = graph.privacy, findings(graph)
    paper = Document(f"Number plates are read here: {said.site or graph.name}")
    paper.heading("Who is responsible")
    paper.text(said.controller or to_fill_in("privacy.controller"))
    paper.text(f"Questions and requests: {said.contact or to_fill_in('privacy.contact')}")
    if said.officer:
        paper.text(f"Data protection officer: {said.officer}")
    paper.heading("What is recorded")
    paper.items(recorded(graph))
    paper.heading("What for, and on what legal basis")
    paper.items(said.purposes or [to_fill_in("privacy.purposes")])
    paper.text(said.basis or to_fill_in("privacy.basis"))
    paper.heading("Who receives it")
    sent = [_capital(each.exposure.where) for each in found.spots if each.exposure.how == "sent"]
    paper.items(list(dict.fromkeys(sent)) or ["Nobody: it does not leave the machine at the cameras."])
    paper.heading("For how long it is kept")
    paper.table(("what", "how long"), periods(graph, found))
    paper.heading("Your rights")
    paper.text("Write to the address above, with the number of your plate and how you show that it is yours. You may:")
    paper.items(RIGHTS)
    paper.text(f"You may complain to a supervisory authority: {said.authority or to_fill_in('privacy.authority')}")
    return paper


def retention(graph: Graph) -> Document:
    """The retention table: each place that plates get to, and for how long."""
    found = findings(graph)
    paper = Document(f"Retention table of the flow {graph.name}")
    paper.text(NO_ADVICE)
    paper.table(("what", "how long"), periods(graph, found))
    laws = {keep.law for _, keep in _keeps(graph) if keep.law}
    if laws:
        paper.heading("Where these periods come from")
        paper.items([f"{LAWS[each].title}: {LAWS[each].says}. {LAWS[each].source}." for each in sorted(laws)])
    paper.heading("Where plates get to")
    paper.table(("node", "where", "judged"), [_row(each) for each in found.spots])
    holds = [(node, hold) for node, keep in _keeps(graph) for hold in keep.holds]
    if holds:
        paper.heading("Legal holds")
        rows = [(node.name, each.why, f"{each.since} to {each.until}", str(each.ends)) for node, each in holds]
        paper.table(("store", "why", "reads of", "ends"), rows)
    return paper


def assessment(graph: Graph) -> Document:
    """The skeleton of a data protection impact assessment."""
    said, found = graph.privacy, findings(graph)
    paper = Document(f"Data protection impact assessment: {said.site or graph.name}")
    paper.text(NO_ADVICE)
    paper.heading("1. What is done, and what for")
    paper.text(f"Responsible: {said.controller or to_fill_in('privacy.controller')}")
    paper.items(said.purposes or [to_fill_in("privacy.purposes")])
    paper.items(recorded(graph))
    steps = [(each.name, each.uses, ", ".join(each.inputs) or "-") for each in graph.nodes.values()]
    paper.table(("step", "kind", "receives from"), steps)
    paper.heading("2. Necessity and proportionality")
    paper.text(f"Legal basis: {said.basis or to_fill_in('privacy.basis')}")
    paper.items(
        [
            to_fill_in("why the purpose cannot be reached without reading plates, or by reading fewer"),
            to_fill_in("what drivers expect here, and whether children, patients or staff are among them"),
            to_fill_in("why each period below is as long as it is"),
        ]
    )
    paper.table(("what", "how long"), periods(graph, found))
    paper.heading("3. Risks to people, and what is done about them")
    paper.table(("risk", "what this configuration does", "what remains"), _risks(found))
    paper.heading("4. What the check of the flow found")
    said_of = [each.what for each in (*found.problems, *found.remarks)]
    paper.items(said_of or ["Nothing is to be changed."])
    paper.heading("5. Who was asked, and who decided")
    asked = ("the data protection officer's advice", "the views of people concerned or their representatives")
    paper.items([*map(to_fill_in, asked), to_fill_in("name, date, and the date of the next look")])
    return paper


def recorded(graph: Graph) -> list[str]:
    """What is recorded of a car, in words for its driver."""
    cameras = [each.name for each in graph.nodes.values() if each.is_source]
    kinds = {kind for node, keep in _keeps(graph) for kind in _pictures(node, keep)}
    also = {"crop": "a picture of the plate", "frame": "the whole picture of the camera, with all that it shows"}
    return [
        f"Number plate, time, place ({', '.join(cameras)}) and direction of each car that passes",
        *(_capital(text) for kind, text in also.items() if kind in kinds),
    ]


def periods(graph: Graph, found: Findings) -> list[tuple[str, str]]:
    """What is kept, and for how long, in words."""
    rows: list[tuple[str, str]] = []
    for _, keep in _keeps(graph):
        rows += [(f"Reads: {each}", _period(each.keep)) for each in keep.all_rules]
        named = {"Pictures of plates": keep.crops, "Whole pictures": keep.frames, "Cars without a plate": keep.unread}
        rows += [(name, _period(period)) for name, period in named.items() if period is not None]
    stores = {node.name for node, _ in _keeps(graph)}
    for spot in found.spots:
        if spot.exposure.how == "kept" and spot.node.name not in stores:
            longest = spot.exposure.longest
            rows.append((_capital(spot.exposure.where), in_words(longest) if longest else "until it is deleted"))
    return list(dict.fromkeys(rows)) or [("Nothing", "it is shown and not kept")]


def _period(period: timedelta) -> str:
    return "not stored at all" if period == NEVER else in_words(period)


def _keeps(graph: Graph) -> list[tuple[FlowNode, Keep]]:
    found = [(each, getattr(each.node, "keep", None)) for each in graph.nodes.values()]
    return [(node, keep) for node, keep in found if isinstance(keep, Keep)]


def _pictures(node: FlowNode, keep: Keep) -> list[str]:
    return [kind for kind in keep.pictures() if getattr(node.node, f"{kind}s", False)]


def _row(spot: Spot) -> tuple[str, str, str]:
    judged = spot.exposure.fault or "in order"
    if spot.accepted:
        judged += f"; accepted: {spot.accepted}"
    return spot.node.name, f"{spot.exposure.how}: {spot.exposure.where}", judged


def _risks(found: Findings) -> list[tuple[str, str, str]]:
    longest = f"nothing is kept longer than {in_words(found.longest)}" if found.longest else "not everything has an end"
    faults = "; ".join(each.exposure.fault for each in found.spots if each.exposure.fault)
    marks = to_fill_in("likelihood and severity")
    return [
        ("Movements of one person can be followed", longest, marks),
        ("Reads are stolen or leaked", faults or "stores are sealed, network connections encrypted", marks),
        ("Somebody looks without need", "searches and exports are in an audit log that shows changes", marks),
        ("A misread plate has consequences", "each read has a confidence; people can have it corrected", marks),
        ("People do not know of it", "a sign and a notice are made of this configuration", marks),
    ]


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
