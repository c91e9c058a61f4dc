"""`flowalpr zone`: what a flow looks at, drawn on a picture of the camera."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flowalpr.cli.options import Flow, Settings, by_name
from flowalpr.errors import FlowError, Problem, SetupError, nearest

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from flowalpr.flow.graph import Graph
    from flowalpr.node import Node

app = typer.Typer(no_args_is_help=True)

GREEN, RED, YELLOW, WHITE = (80, 220, 60), (60, 60, 230), (40, 220, 250), (245, 245, 245)
"""Inside, outside, line, scale; BGR."""


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

    graph = load_flow(find_flow(flow), load_plugins(), settings=by_name(settings))
    nodes = _nodes(graph, node)
    image = _read(picture)
    drawing = _Drawing(image)
    for name, each in nodes.items():
        drawing.add(name, each)
    _write(out, drawing.finished())
    typer.echo(f"{', '.join(nodes)} drawn in {out}")


def _nodes(graph: Graph, wanted: str | None) -> dict[str, Node]:
    """The nodes that have something to draw, or the one that is wanted."""
    if wanted is not None and wanted not in graph.nodes:
        expected = f"one of {', '.join(graph.nodes)}"
        raise FlowError([Problem(f"the flow has no node '{wanted}'", expected, nearest(wanted, graph.nodes))])
    found = {name: each.node for name, each in graph.nodes.items() if any(_shapes(each.node))}
    if wanted is None and found:
        return found
    if wanted in found:
        return {wanted: found[wanted]}
    what = f"node '{wanted}' has" if wanted else f"no node of flow '{graph.name}' has"
    raise FlowError([Problem(f"{what} neither a polygon nor a line", "a `zone`, a `crop`, or a `vote` with a `line`")])


def _shapes(node: Node) -> Iterator[tuple[str, tuple[tuple[float, float], ...]]]:
    """What a node looks at: `inside`, `outside` or `line`, and its points."""
    for kind in ("inside", "outside"):
        for polygon in getattr(node, kind, ()):
            yield kind, polygon
    line = getattr(node, "line", None)
    if isinstance(line, tuple):  # Nodes that draw nothing may have a method of that name.
        yield "line", line


class _Drawing:
    """A picture with what several nodes look at."""

    def __init__(self, image: NDArray[np.uint8]) -> None:
        """Draws on a copy of uint8, (height, width, 3), BGR."""
        self._image: NDArray[np.uint8] = image.copy()
        self._height, self._width = image.shape[:2]
        self._unit = max(1, round(min(image.shape[:2]) / 400))

    def add(self, name: str, node: Node) -> None:
        """Draw what one node looks at."""
        import cv2
        import numpy as np

        shapes = [(kind, self._pixels(points)) for kind, points in _shapes(node)]
        looked = np.full(
            (self._height, self._width), 0 if any(kind == "inside" for kind, _ in shapes) else 255, np.uint8
        )
        for kind, points in shapes:
            if kind != "line":
                cv2.fillPoly(looked, [points], 255 if kind == "inside" else 0)
        self._image[looked == 0] //= 3
        for kind, points in shapes:
            colour = {"inside": GREEN, "outside": RED, "line": YELLOW}[kind]
            cv2.polylines(self._image, [points], kind != "line", colour, 2 * self._unit, cv2.LINE_AA)
            if kind == "line":
                self._arrow(points)
            self._label(name if kind == "inside" else f"{name}: {kind}", points, colour)

    def finished(self) -> NDArray[np.uint8]:
        """The picture with a scale at its edges."""
        import cv2

        for tenth in range(1, 10):
            x, y = self._width * tenth // 10, self._height * tenth // 10
            cv2.line(self._image, (x, 0), (x, 6 * self._unit), WHITE, self._unit)
            cv2.line(self._image, (0, y), (6 * self._unit, y), WHITE, self._unit)
            self._text(f".{tenth}", (x - 6 * self._unit, 20 * self._unit), WHITE, 0.35)
            self._text(f".{tenth}", (9 * self._unit, y + 4 * self._unit), WHITE, 0.35)

        return self._image

    def _pixels(self, points: Any) -> NDArray[np.int32]:  # Any: a setting of a plugin's node
        import numpy as np

        values = np.array(points, np.float64)
        pixels = values if values.max() > 1 else values * (self._width, self._height)
        return np.asarray(np.round(pixels), np.int32)

    def _arrow(self, points: NDArray[np.int32]) -> None:
        """From the middle of a line to its right, looking from its first point to its second."""
        import cv2
        import numpy as np

        along = (points[1] - points[0]).astype(np.float64)
        across = np.array([-along[1], along[0]]) / max(float(np.hypot(*along)), 1.0)
        start = points.mean(axis=0)
        tip = start + across * 40 * self._unit
        first, second = ((round(float(x)), round(float(y))) for x, y in (start, tip))
        cv2.arrowedLine(self._image, first, second, YELLOW, 2 * self._unit, cv2.LINE_AA, tipLength=0.3)
        self._text("in", (second[0] + 4 * self._unit, second[1]), YELLOW, 0.5)

    def _label(self, text: str, points: NDArray[np.int32], colour: tuple[int, int, int]) -> None:
        """A text at the topmost point of a shape, within the picture."""
        x, y = min(points.tolist(), key=lambda point: (point[1], point[0]))
        y = min(max(y + 18 * self._unit, 40 * self._unit), self._height - 6 * self._unit)
        self._text(text, (min(max(x + 8 * self._unit, 30 * self._unit), self._width * 3 // 4), y), colour, 0.5)

    def _text(self, text: str, at: tuple[int, int], colour: tuple[int, int, int], size: float) -> None:
        import cv2

        shown = text.encode("ascii", "replace").decode()  # All that OpenCV's own font has.
        for ink, thickness in (((0, 0, 0), 3), (colour, 1)):
            cv2.putText(
                self._image,
                shown,
                at,
                cv2.FONT_HERSHEY_SIMPLEX,
                size * self._unit,
                ink,
                thickness * self._unit,
                cv2.LINE_AA,
            )


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
