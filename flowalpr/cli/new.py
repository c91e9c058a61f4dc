"""`flowalpr new`: a plugin or a flow to start from, which works as it stands."""

from __future__ import annotations

import re
import shutil
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Annotated

import typer

from flowalpr.errors import FlowError, Problem

# Two letters or more in each word, so that the name of the class leads back to the name in the flow.
_NAME = re.compile(r"[a-z][a-z0-9]+([-_][a-z][a-z0-9]+)*")
# Where each file of a plugin goes, by its template.
_PLUGIN = {
    "README.md": "README.md",
    "pyproject.txt": "pyproject.toml",
    "module.txt": "$module.py",
    "test.txt": "tests/test_$node.py",
    "flow.yaml": "$node.yaml",
}

app = typer.Typer(help="Write a plugin or a flow to start from.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="Small letters, digits and dashes: `loading-dock`.")]
Folder = Annotated[Path, typer.Option("--in", help="Folder to write it to.", file_okay=False)]


@app.command()
def plugin(name: Name, folder: Folder = Path()) -> None:
    """Write a whole plugin with one node, its test and a flow: it installs, tests and runs as it stands."""
    names = _names(name.removeprefix("flowalpr-"))
    if names["node"] == "builtin":
        raise FlowError([Problem("'builtin' is the plugin in the box", "a name of your own")])
    target = folder / f"flowalpr-{names['name']}"
    if target.exists():
        raise _taken(target)
    for template, path in _PLUGIN.items():
        _write(target / Template(path).substitute(names), f"plugin/{template}", names)
    _copy_sample("pictures/two.jpg", target / "sample.jpg")
    typer.echo(f"{target}/ is a whole plugin; the next steps:\n")
    typer.echo(f"  cd {target}\n  pip install -e . pytest\n  pytest\n  flowalpr run {names['node']}.yaml")


@app.command()
def flow(name: Name, folder: Folder = Path()) -> None:
    """Write a flow file that reads the plates of the sample clip, ready to be changed."""
    names = _names(name)
    target = folder / f"{names['name']}.yaml"
    _write(target, "flow.yaml", names)
    _copy_sample("gate.mp4", folder / "sample.mp4")
    typer.echo(f"{target} is a flow; the next steps:\n")
    typer.echo(f"  flowalpr check {target}\n  flowalpr run {target}")


def _names(name: str) -> dict[str, str]:
    """The name as it stands in texts, modules, flows and code.

    Raises:
        FlowError: if it is not fit for all of these.
    """
    if not _NAME.fullmatch(name) or len(name) > 40:
        raise FlowError(
            [
                Problem(
                    f"{name!r} cannot be a name here",
                    "words of at least two small letters or digits, each beginning with a letter, joined by dashes",
                    "for example: loading-dock",
                )
            ]
        )
    words = re.split("[-_]", name)
    node = "_".join(words)
    return {
        "name": "-".join(words),
        "node": node,
        "module": f"flowalpr_{node}",
        "Class": "".join(word.capitalize() for word in words),
    }


def _write(target: Path, template: str, names: dict[str, str]) -> None:
    """Write a new file from a template.

    Raises:
        FlowError: if something is there already or the place cannot be written to.
    """
    text = (files("flowalpr.cli") / "templates" / template).read_text(encoding="utf-8")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("x", encoding="utf-8") as file:
            file.write(Template(text).substitute(names))
    except FileExistsError:
        raise _taken(target) from None
    except OSError as error:
        raise FlowError([Problem(f"{target} cannot be written: {error.strerror}", fix="--in FOLDER")]) from error


def _copy_sample(name: str, target: Path) -> None:
    """Copy a sample that comes in the box, unless there is something of that name."""
    from flowalpr.flow.load import bundled_flows

    if not target.exists():
        shutil.copyfile(bundled_flows()["parking"].parent / "sample" / name, target)


def _taken(target: Path) -> FlowError:
    return FlowError([Problem(f"{target} is there already", fix="take another name, or move it away")])
