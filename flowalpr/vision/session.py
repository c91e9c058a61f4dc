"""Session: the one protocol that every inference backend satisfies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Device = Literal["cpu", "cuda"]
"""Where a model is asked to run."""


class Session(Protocol):
    """A loaded network that turns a batch into its outputs."""

    @property
    def provider(self) -> str:
        """What really runs the network, for instance `CPU` or `CUDA`; always worth showing."""

    def run(self, batch: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        """The network's outputs in its own order for float32, (n, channels, height, width)."""


def in_words(provider: str, wanted: Device) -> str:
    """What really runs a network, for people: `CPU`, or `CPU, CUDA was asked for`."""
    return provider if provider.lower() == wanted else f"{provider}, {wanted.upper()} was asked for"
