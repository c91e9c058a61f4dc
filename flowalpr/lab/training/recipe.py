"""Recipes: YAML files that say all that decides how a training turns out."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from flowalpr.lab.training.checkpoint import TrainingError

R = TypeVar("R", bound=BaseModel)


def read_recipe(path: Path, kind: type[R]) -> R:
    """The recipe in a file.

    Raises:
        TrainingError: the file is missing, no YAML, or wrong; all mistakes at once.
    """
    try:
        held = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
        return kind.model_validate(held)
    except (OSError, UnicodeDecodeError) as error:
        raise TrainingError(f"cannot read {path}: {error}", fix="give a recipe: --recipe FILE.yaml") from error
    except YAMLError as error:
        raise TrainingError(f"{path} is not YAML: {error}") from error
    except ValidationError as error:
        wrong = "\n".join(f"  {'.'.join(map(str, each['loc'])) or 'file'}: {each['msg']}" for each in error.errors())
        raise TrainingError(
            f"{path} is wrong:\n{wrong}",
            expected=f"the settings of a {kind.__name__}",
            fix="compare it with the recipe.yaml beside the model that ships",
        ) from error


def write_recipe(recipe: BaseModel, path: Path) -> None:
    """Write a recipe with every setting in it, also those left at their defaults."""
    path.parent.mkdir(parents=True, exist_ok=True)
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = None
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment]  # ruamel's stub says None
    with path.open("w", encoding="utf-8") as file:
        yaml.dump(recipe.model_dump(mode="json"), file)
