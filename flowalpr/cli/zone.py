"""`flowalpr zone`: what a flow looks at, drawn on a picture of the camera."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flowalpr.cli.options import Flow, Settings, by_name
from flowalpr.errors import FlowError, Problem, SetupError, nearest

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from flowalpr.flow.graph import Graph
    from flowalpr.node import Node

app = typer.Typer(no_args_is_help=True)


@app.callback()  # With it, `draw` is a sub-command though it is the only one.
def zone() -> None:
    """See which part of a camera's picture a flow looks at."""


@app.command()
def draw(
    flow: Flow,
    picture: Annotated[Path, typer.Option("--picture", metavar="FILE", help="A picture of the camera.")],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="The picture to write, .jpg or .png.")],
    node: Annotated[str | None, typer.Option(metavar="NAME", help="Only this node's; else those of all nodes.")] = None,
    settings: Settings = None,
) -> None:
    """Draw zones, crops and lines of a flow on a picture: inside bright with a green edge, outside dark, lines yellow.

    The arrow on a line points to where a car goes that has the direction `in`. The scale at the edges is in shares of
    the picture.
    """
    from flowalpr.flow.load import find_flow, load_flow
    from flowalpr.plugins import load_plugins
    from flowalpr.vision.zones import ZoneDrawing

    graph = load_flow(find_flow(flow), load_plugins(), settings=by_name(settings))
    nodes = _nodes(graph, node)
    image = _read(picture)
    drawing = ZoneDrawing(image)
    for each in nodes.values():
        drawing.shade(each)
    for name, each in nodes.items():
        drawing.add(name, each)
    _write(out, drawing.finished())
    typer.echo(f"{', '.join(nodes)} drawn in {out}")


def _nodes(graph: Graph, wanted: str | None) -> dict[str, Node]:
    """The nodes that have something to draw, or the one that is wanted."""
    from flowalpr.vision.zones import shapes_of

    if wanted is not None and wanted not in graph.nodes:
        expected = f"one of {', '.join(graph.nodes)}"
        raise FlowError([Problem(f"the flow has no node '{wanted}'", expected, nearest(wanted, graph.nodes))])
    found = {name: each.node for name, each in graph.nodes.items() if any(shapes_of(each.node))}
    if wanted is None and found:
        return found
    if wanted in found:
        return {wanted: found[wanted]}
    what = f"node '{wanted}' has" if wanted else f"no node of flow '{graph.name}' has"
    raise FlowError([Problem(f"{what} neither a polygon nor a line", "a `zone`, a `crop`, or a `vote` with a `line`")])


def _read(path: Path) -> NDArray[np.uint8]:
    import cv2
    import numpy as np

    try:
        image = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_COLOR)
    except (OSError, cv2.error) as error:
        raise SetupError(f"{path} cannot be read: {error}", "name a picture of the camera") from None
    if image is None:
        raise SetupError(f"{path} is no picture", "name a picture of the camera, .jpg or .png")
    return np.asarray(image, np.uint8)


def _write(path: Path, image: NDArray[np.uint8]) -> None:
    import cv2

    if path.suffix.lower() not in (".jpg", ".jpeg", ".png"):
        raise SetupError(f"{path} is neither .jpg nor .png", "name the picture to write: --out zone.png")
    try:
        path.write_bytes(cv2.imencode(path.suffix, image)[1].tobytes())
    except OSError as error:
        raise SetupError(f"{path} cannot be written: {error.strerror}", "choose another place") from error
