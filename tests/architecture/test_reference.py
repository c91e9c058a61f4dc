"""`docs/nodes.md` is made from the nodes themselves; `make golden` writes it anew."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from pathlib import Path

from flowalpr.cli.nodes import KINDS, taken_and_given
from flowalpr.flow.manual import Setting, settings_of
from flowalpr.plugins import Offer, load_plugins

PAGE = Path(__file__).parents[2] / "docs" / "nodes.md"
TITLES = dict(
    zip(KINDS, ("Sources", "Finding plates", "Reading plates", "Filters", "Converters", "Sinks"), strict=True)
)
HEAD = """# Nodes in the box

Made from the nodes themselves by `make golden`. `flowalpr nodes show NAME` prints the same for every node that is
installed; [flow-files.md](flow-files.md) says how to wire them.
"""


def test_the_reference_of_nodes_is_true(golden: Callable[[Path, str], None]) -> None:
    offers = [offer for offer in load_plugins() if offer.plugin == "builtin"]
    golden(PAGE, "\n".join([HEAD, *_sections(offers)]))


def _sections(offers: list[Offer]) -> Iterator[str]:
    for kind, title in TITLES.items():
        nodes = [offer for offer in offers if offer.node.ports().kind == kind]
        if nodes:
            yield f"## {title}\n"
        for offer in nodes:
            manual = inspect.cleandoc(offer.node.__doc__ or "")
            takes, gives = taken_and_given(offer.node.ports())
            yield f"### `{offer.name}`\n\n*takes {takes}, gives {gives}*\n\n{manual}\n"
            settings = settings_of(offer.node).values()
            if settings:
                yield "| setting | takes | default | |\n|---|---|---|---|"
                yield "\n".join(map(_row, settings)) + "\n"


def _row(setting: Setting) -> str:
    default = "required" if setting.required else f"`{setting.default}`"
    cells = [f"`{setting.name}`", setting.means, default, " ".join(setting.help.split())]
    return "| " + " | ".join(each.replace("|", r"\|") for each in cells) + " |"
