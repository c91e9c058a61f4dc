"""The reader's network: a plate picture in, a character per narrow column out; whole, with its loss.

The shape is that of PP-OCRv6's small recogniser (PaddleOCR authors, Apache-2.0), rebuilt here so that its
published weights can be loaded and trained on: a stem that quarters the picture, thirteen blocks, a neck
of two transformer layers over the columns and a linear head. Differences: the input is grey, batch
normalisation is folded into the convolutions, the alphabet is a plate's and two small heads say whether
the picture shows two rows and which country's plate it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from flowalpr.lab.training.stem import Stem

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

WIDTH = 120
"""Channels of the neck."""
IGNORED = -1
"""Label of a picture whose number of rows or country is not known."""
BLANK = 0
"""Class of a column that holds no new character."""

BLOCKS = [
    # channels in, hidden, out, stride down, squeeze and excitation
    (96, 192, 96, 1, True),
    (96, 192, 96, 1, False),
    (96, 192, 96, 1, False),
    (96, 192, 192, 2, False),
    (192, 384, 192, 1, True),
    (192, 384, 192, 1, False),
    (192, 384, 192, 1, True),
    (192, 384, 192, 1, False),
    (192, 384, 192, 1, True),
    (192, 384, 192, 1, False),
    (192, 384, 384, 2, False),
    (384, 768, 384, 1, True),
    (384, 768, 384, 1, False),
]


class Logits(NamedTuple):
    """What the network gives for a batch."""

    characters: Tensor
    """float32, (n, width / 8, 1 + characters of the alphabet); class 0 is the blank."""
    rows: Tensor
    """float32, (n,): above 0 if the picture shows two rows, one above the other."""
    country: Tensor
    """float32, (n, countries)."""


class SqueezeExcite(nn.Module):
    """Weights each channel by what the whole picture holds of it."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.reduce = nn.Conv2d(channels, channels // 4, 1)
        self.expand = nn.Conv2d(channels // 4, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        weight = self.expand(functional.relu(self.reduce(x.mean((2, 3), keepdim=True))))
        return x * functional.hardsigmoid(weight)


class Block(nn.Module):
    """Mixes positions by a depthwise convolution, then channels by a small perceptron."""

    def __init__(self, inputs: int, hidden: int, outputs: int, down: int, excite: bool) -> None:
        super().__init__()
        self.spatial = nn.Conv2d(inputs, inputs, 3, (down, 1), 1, groups=inputs)
        self.excite = SqueezeExcite(inputs) if excite else nn.Identity()
        self.widen = nn.Conv2d(inputs, hidden, 1)
        self.narrow = nn.Conv2d(hidden, outputs, 1)
        self.residual = down == 1

    def forward(self, x: Tensor) -> Tensor:
        x = self.excite(self.spatial(x))
        mixed: Tensor = self.narrow(functional.gelu(self.widen(x)))
        return x + mixed if self.residual else mixed


class Layer(nn.Module):
    """One transformer layer over the columns, normalised before each half."""

    def __init__(self, heads: int = 8) -> None:
        super().__init__()
        self.heads = heads
        self.norm1 = nn.LayerNorm(WIDTH, eps=1e-5)
        self.qkv = nn.Linear(WIDTH, 3 * WIDTH)
        self.project = nn.Linear(WIDTH, WIDTH)
        self.norm2 = nn.LayerNorm(WIDTH, eps=1e-5)
        self.widen = nn.Linear(WIDTH, 2 * WIDTH)
        self.narrow = nn.Linear(2 * WIDTH, WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        n, columns, _ = x.shape
        parts = self.qkv(self.norm1(x)).reshape(n, columns, 3, self.heads, WIDTH // self.heads)
        query, key, value = parts.permute(2, 0, 3, 1, 4)
        scale = (WIDTH // self.heads) ** -0.5
        attention = torch.softmax((query * scale) @ key.transpose(2, 3), 3)
        x = x + self.project((attention @ value).transpose(1, 2).reshape(n, columns, WIDTH))
        mixed: Tensor = self.narrow(functional.silu(self.widen(self.norm2(x))))
        return x + mixed


class ReaderNetwork(nn.Module):
    """Reads plates: float32, (n, 1, 48, width), -1..1 to `Logits`; width is a multiple of 8."""

    def __init__(self, characters: int, countries: int) -> None:
        super().__init__()
        self.stem = Stem(1, 48)
        self.blocks = nn.Sequential(*(Block(*shape) for shape in BLOCKS))
        self.shortcut = nn.Conv2d(384, WIDTH, 1)
        self.entry = nn.Conv2d(384, WIDTH, 1)
        self.local = nn.Conv2d(WIDTH, WIDTH, (1, 7), 1, (0, 3), groups=WIDTH)
        self.layers = nn.Sequential(Layer(), Layer())
        self.norm = nn.LayerNorm(WIDTH, eps=1e-6)
        self.head = nn.Linear(WIDTH, 1 + characters)
        self.rows = nn.Linear(WIDTH, 1)
        self.country = nn.Linear(WIDTH, countries)

    def forward(self, x: Tensor) -> Logits:
        x = functional.avg_pool2d(self.blocks(self.stem(x)), (3, 2))
        short = functional.silu(self.shortcut(x))
        x = functional.silu(self.entry(x))
        x = x + functional.silu(self.local(x))
        x = self.norm(self.layers(x.flatten(2).transpose(1, 2)))
        x = x + short.flatten(2).transpose(1, 2)
        whole = x.mean(1)
        return Logits(self.head(x), self.rows(whole)[:, 0], self.country(whole))


def losses(logits: Logits, texts: Sequence[Sequence[int] | None], rows: Tensor, country: Tensor) -> dict[str, Tensor]:
    """Parts of the cost of a batch: CTC over the characters, and a tenth of what the two small heads cost.

    `texts` are classes from 1 up, or None where the characters are not to be learnt from; `rows` (int64: 0 one,
    1 two) and `country` may hold `IGNORED`.
    """
    told = [k for k, text in enumerate(texts) if text is not None]
    known = [texts[k] or () for k in told]
    parts = {"characters": _reading_loss(logits.characters[told], known) if told else logits.characters.sum() * 0}
    counted = rows != IGNORED
    wrong = functional.binary_cross_entropy_with_logits(
        logits.rows.float(), rows.clamp(min=0).float(), reduction="none"
    )
    parts["rows"] = 0.1 * (wrong * counted).sum() / counted.sum().clamp(min=1)
    strange = functional.cross_entropy(logits.country.float(), country, ignore_index=IGNORED, reduction="sum")
    parts["country"] = 0.1 * strange / (country != IGNORED).sum().clamp(min=1)
    return parts


def _reading_loss(characters: Tensor, texts: Sequence[Sequence[int]]) -> Tensor:
    """The mean cost of a character: CTC over (n, columns, classes), each text's cost divided by its length."""
    chances = functional.log_softmax(characters.float(), 2).transpose(0, 1)
    lengths = torch.tensor([len(text) for text in texts], dtype=torch.long)
    cost = functional.ctc_loss(
        chances,
        torch.tensor([c for text in texts for c in text], dtype=torch.long).to(chances.device),
        torch.full_like(lengths, chances.shape[0]),
        lengths,
        BLANK,
        "none",
        zero_infinity=True,
    )
    return (cost / lengths.clamp(min=1).to(cost.device)).mean()


def load_pretrained(network: ReaderNetwork, path: Path, alphabet: str) -> None:
    """Fills a network from PP-OCRv6's small recogniser in ONNX; the head keeps the rows of `alphabet`.

    Characters that it does not know are learnt from nothing.

    Raises:
        ValueError: the file holds another network.
    """
    import onnx
    from onnx import numpy_helper

    model = onnx.load(path)
    arrays = {i.name: torch.from_numpy(numpy_helper.to_array(i).copy()) for i in model.graph.initializer}
    convolutions = _convolutions(model.graph, arrays)
    linears = [arrays[f"linear_{k}.w_0"].T for k in range(9)]
    biases = [arrays[f"linear_{k}.b_0"] for k in range(9)]
    known = {c: k for k, c in enumerate(_characters(model), start=1)}
    wanted = torch.tensor([BLANK, *(known.get(c, -1) for c in alphabet)])
    new = wanted < 0  # such as Hangul: unlikely at first, in the same way everywhere
    linears[8] = linears[8][wanted].masked_fill(new[:, None], 0.0)
    biases[8] = biases[8][wanted].masked_fill(new, float(biases[8].min()))
    norms = [(arrays[f"helper.reshape.{2 * k}"], arrays[f"helper.reshape.{2 * k + 1}"]) for k in range(5)]

    ours = [m for m in network.modules() if isinstance(m, nn.Conv2d)]
    if [c.weight.shape[0] for c in ours] != [w.shape[0] for w, _ in convolutions]:
        raise ValueError(f"{path} holds another network than PP-OCRv6's small recogniser")
    first, bias = convolutions[0]
    convolutions[0] = (first.sum(1, keepdim=True), bias)  # grey is the same in all three channels
    heads = (network.rows, network.country)
    dense = [m for m in network.modules() if isinstance(m, nn.Linear) and m not in heads]
    normal = [m for m in network.modules() if isinstance(m, nn.LayerNorm)]
    values = [*convolutions, *zip(linears, biases, strict=True), *norms]
    with torch.no_grad():
        for layer, (weight, offset) in zip([*ours, *dense, *normal], values, strict=True):
            layer.load_state_dict({"weight": weight, "bias": offset})


def _characters(model: object) -> list[str]:
    """The characters of a recogniser in the order of its classes, the blank left out."""
    held = {p.key: p.value for p in model.metadata_props}  # type: ignore[attr-defined]  # onnx is untyped
    return [*held["character"].split("\n"), " "]


def _convolutions(graph: object, arrays: dict[str, Tensor]) -> list[tuple[Tensor, Tensor]]:
    """Weights and biases of all convolutions in order, batch normalisation folded in."""
    users = {n.input[0]: n for n in graph.node if n.input}  # type: ignore[attr-defined]  # onnx is untyped
    found = []
    for node in graph.node:  # type: ignore[attr-defined]  # onnx is untyped
        if node.op_type != "Conv":
            continue
        weight, after = arrays[node.input[1]], users[node.output[0]]
        while after.op_type == "Identity":
            after = users[after.output[0]]
        if after.op_type == "BatchNormalization":
            scale, offset, mean, variance = (arrays[name] for name in after.input[1:])
            scale = scale / torch.sqrt(variance + 1e-5)
            found.append((weight * scale.reshape(-1, 1, 1, 1), offset - mean * scale))
        else:
            found.append((weight, arrays[after.input[1]].flatten()))
    return found
