"""Draws figures of a store: passages, cars inside, read rates, confidence."""

from __future__ import annotations

from pathlib import Path

from flowalpr.errors import FlowError, Problem, SetupError
from flowalpr.storage.statistics import Statistics

FORMS = (".png", ".svg", ".pdf")


def plot_statistics(found: Statistics, out: Path) -> None:
    """Write four plots into one picture.

    Raises:
        FlowError: the ending is none of a picture.
        SetupError: the file cannot be written.
    """
    from matplotlib.figure import Figure  # Without pyplot: no window, no state.

    if out.suffix not in FORMS:
        raise FlowError([Problem(f"{out} is no picture that can be drawn", expected=" or ".join(FORMS))])
    figure = Figure(figsize=(12, 8), layout="constrained")
    (passages, inside), (rates, sure) = figure.subplots(2, 2)
    times = list(found.hours)
    passages.bar(times, list(found.hours.values()), width=1 / 24, align="edge")
    passages.set_title("passages an hour (UTC)")
    inside.step(times, list(found.occupancy.values()), where="post")
    inside.set_title("cars inside")
    for axes in (passages, inside):
        axes.tick_params("x", rotation=30)
    reasons = sorted(
        {reason for counts in found.reasons.values() for reason in counts}, key=lambda each: each != "read"
    )
    left = [0] * len(found.reasons)
    for reason in reasons:
        counts = [each.get(reason, 0) for each in found.reasons.values()]
        rates.barh(list(found.reasons), counts, left=left, label=reason)
        left = [before + count for before, count in zip(left, counts, strict=True)]
    rates.set_title("read, and why not")
    if reasons:
        rates.legend()
    sure.bar([tenth + 0.05 for tenth in found.confidence], list(found.confidence.values()), width=0.1)
    sure.set_title("confidence")
    try:
        figure.savefig(out)
    except OSError as error:
        raise SetupError(f"{out} cannot be written: {error.strerror}", "choose another place") from None
