"""What a model is: the folder `models/<name>` with `model.yaml`, found, checked and described."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from flowalpr.errors import SetupError, nearest

if TYPE_CHECKING:
    from collections.abc import Iterator

Task = Literal["detector", "reader"]

FILE = "model.yaml"
"""Name of the manifest inside a model's folder."""
PATH_VARIABLE = "FLOWALPR_MODELS"
"""Environment variable with more folders of models, separated as in PATH."""


class ModelInput(BaseModel):
    """How a picture becomes the input of a network: float32, (n, channels, height, width).

    Each value is `(pixel - mean) * scale`, pixels being 0..255 in the order of `colour`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    colour: Literal["grey", "bgr", "rgb"]
    """Order of the channels."""
    mean: tuple[float, ...]
    """Subtracted from each channel, 0..255."""
    scale: tuple[float, ...]
    """Multiplied with each channel after that."""
    width: int | None = Field(default=None, gt=0)
    """Pixels, if the network takes one width only."""
    height: int | None = Field(default=None, gt=0)
    """Pixels, if the network takes one height only."""
    multiple_of: int | None = Field(default=None, gt=0)
    """Width and height are free but for being a multiple of this many pixels."""

    @property
    def channels(self) -> int:
        """Number of channels: 1 for grey pictures, 3 for others."""
        return 1 if self.colour == "grey" else 3

    @model_validator(mode="after")
    def _fits_together(self) -> ModelInput:
        if len(self.mean) != self.channels or len(self.scale) != self.channels:
            raise ValueError(f"mean and scale need {self.channels} values for {self.colour} pictures")
        if (self.width is None or self.height is None) and self.multiple_of is None:
            raise ValueError("give width and height, or multiple_of")
        return self


class ReaderDetails(BaseModel):
    """What only a reader states: its characters and how sure its figures are."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    alphabet: str
    """Characters of classes 1 and up, in order; class 0 is the blank."""
    countries: tuple[str, ...] = ()
    """Codes of the country output in order, if there is one."""
    margin: float = Field(default=0.0, ge=0, le=1)
    """Part of a plate's width and height that is left around it on each side."""
    temperature: float = Field(default=1.0, gt=0)
    """Divides the logits so that a confidence of 0.9 is right nine times out of ten."""
    sure_country: float = Field(default=0.8, ge=0, le=1)
    """Confidence from which on a country is named."""


class Manifest(BaseModel):
    """The contract of a model: what goes in, what comes out, who made it and under which licence."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]
    version: int = Field(ge=1)
    task: Task
    file: Annotated[str, Field(pattern=r"^[\w.-]+$")] = "model.onnx"
    """Name of the weights in the same folder."""
    bytes: int = Field(gt=0)
    """Length of that file."""
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    """Checksum of that file."""
    precision: Literal["fp32", "fp16", "int8"] = "fp32"
    """Number format of most weights."""
    input: ModelInput
    reading: ReaderDetails | None = None
    """Only for readers."""
    licence: str
    """SPDX expression of the weights."""
    attribution: str = ""
    """Whom the weights derive from, as their licence asks for."""

    @model_validator(mode="after")
    def _reader_reads(self) -> Manifest:
        if (self.task == "reader") != (self.reading is not None):
            raise ValueError("'reading' belongs to a reader, and only there")
        return self


@dataclass(frozen=True)
class Model:
    """A model that was found: its folder and its manifest."""

    folder: Path
    manifest: Manifest

    @property
    def weights(self) -> Path:
        """Path of the weights."""
        return self.folder / self.manifest.file

    def verify(self) -> None:
        """Checks length and checksum of the weights.

        Raises:
            SetupError: the file is missing, cut short or another one than the manifest says.
        """
        name, path = self.manifest.name, self.weights
        fix = f"copy {path.name} again, or make it anew: flowalpr models verify {self.folder}"
        if not path.is_file():
            raise SetupError(f"model '{name}': {path} is missing", fix)
        there = path.stat().st_size
        if there != self.manifest.bytes:
            what = "cut short" if there < self.manifest.bytes else "too long"
            raise SetupError(f"model '{name}': {path} is {what}: {there} bytes, {self.manifest.bytes} expected", fix)
        if hashlib.sha256(path.read_bytes()).hexdigest() != self.manifest.sha256:
            raise SetupError(f"model '{name}': {path} is not the file that {FILE} describes (sha256)", fix)


def find_model(name: str | Path, task: Task | None = None) -> Model:
    """The model of that name, or in that folder, with its weights verified.

    Looked for, in this order: a folder of that path, the folders of `$FLOWALPR_MODELS`, the user's own, those inside
    the installed package, the models of a checkout.

    Raises:
        SetupError: there is none, its manifest is wrong, its weights are damaged, or its task is another.
    """
    model = load_model(_folder(name))
    if task is not None and model.manifest.task != task:
        others = [m.manifest.name for m in models() if m.manifest.task == task]
        raise SetupError(
            f"model '{model.manifest.name}' is a {model.manifest.task}, a {task} is needed",
            f"choose one of these: {', '.join(others) or 'none is installed'}",
        )
    model.verify()
    return model


def load_model(folder: Path) -> Model:
    """The model in a folder, its manifest checked but its weights not yet.

    Raises:
        SetupError: the manifest is missing or wrong.
    """
    path = folder / FILE
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SetupError(f"cannot read {path}: {error}", f"a model's folder holds {FILE}") from error
    return Model(folder, _manifest(path, text))


# A flow's models are looked at when it is checked and when it starts; parsing it takes 10 ms.
@lru_cache(maxsize=16)
def _manifest(path: Path, text: str) -> Manifest:
    """What a manifest says."""
    try:
        return Manifest.model_validate(YAML(typ="safe", pure=True).load(text))
    except YAMLError as error:
        raise SetupError(f"{path} is not YAML: {error}", f"compare it with models/plate-reader/{FILE}") from error
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'file'}: {e['msg']}" for e in error.errors())
        raise SetupError(f"{path} is wrong: {wrong}", f"compare it with models/plate-reader/{FILE}") from error


def models() -> Iterator[Model]:
    """All models that can be found by name, those of `$FLOWALPR_MODELS` first.

    Raises:
        SetupError: one of them has a wrong manifest.
    """
    seen: set[str] = set()
    for place in places():
        for folder in sorted(place.iterdir()) if place.is_dir() else ():
            if folder.name not in seen and (folder / FILE).is_file():
                seen.add(folder.name)
                yield load_model(folder)


def places() -> list[Path]:
    """Folders that models are looked for in, first come first served."""
    package = Path(__file__).parents[1]
    return [*_named_places(), user_place(), package / "bundled" / "models", package.parent / "models"]


def user_place() -> Path:
    """The folder that models of the user are added to: the first of `$FLOWALPR_MODELS`, or one in their home."""
    import platformdirs  # Here, since most commands never ask.

    return next(iter(_named_places()), platformdirs.user_data_path("flowalpr") / "models")


def _named_places() -> list[Path]:
    return [Path(place) for place in os.environ.get(PATH_VARIABLE, "").split(os.pathsep) if place]


def _folder(name: str | Path) -> Path:
    """The folder that a name or path stands for."""
    given = Path(name)
    if (given / FILE).is_file() or (given.is_dir() and given.parent != Path()):
        return given
    for place in places():
        if (place / given / FILE).is_file():
            return place / given
    known = sorted({f.name for p in places() if p.is_dir() for f in p.iterdir() if (f / FILE).is_file()})
    offer = nearest(str(name), known) or f"known models: {', '.join(known) or 'none'}"
    raise SetupError(
        f"no model '{name}' was found",
        f"{offer}; or give the path of a folder with {FILE}, or name its parent in ${PATH_VARIABLE}",
    )
