"""Pictures of how a training went."""

from __future__ import annotations

import csv
from pathlib import Path


def draw_curves(table: Path, picture: Path) -> None:
    """Draw every column of `curves.csv` over the steps, one small plot each; does nothing without rows."""
    with table.open(newline="") as file:
        rows = list(csv.DictReader(file))
    if not rows:
        return
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    names = [name for name in rows[0] if name != "step"]
    figure = Figure(figsize=(4 * min(3, len(names)), 2.6 * -(-len(names) // 3)), layout="constrained")
    FigureCanvasAgg(figure)
    for place, name in enumerate(names, start=1):
        axes = figure.add_subplot(-(-len(names) // 3), min(3, len(names)), place)
        points = [(int(row["step"]), float(row[name])) for row in rows if row.get(name)]
        axes.plot(*zip(*points, strict=True), marker=".", linewidth=1)
        axes.set_title(name, fontsize=9)
        axes.tick_params(labelsize=7)
    figure.savefig(picture, dpi=100)
