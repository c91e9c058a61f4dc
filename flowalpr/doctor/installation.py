"""The installation: versions, wheels that overwrite each other, plugins that do not load."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Iterator
from importlib.metadata import distributions, version
from pathlib import Path

from flowalpr.findings import Finding
from flowalpr.plugins import Catalogue

FAMILIES = {"OpenCV": "opencv", "onnxruntime": "onnxruntime"}
"""Libraries of which several wheels exist that hold the same files, by how their names begin."""
JETSON = Path("/etc/nv_tegra_release")


def installation(catalogue: Catalogue) -> Iterator[Finding]:
    """What is installed, and whether it goes together."""
    names = sorted({str(each.name).lower() for each in distributions()})
    yield Finding("ok", f"flowalpr {version('flowalpr')}, Python {platform.python_version()}, {platform.platform()}")
    if JETSON.exists():
        yield Finding("ok", f"Jetson Linux: {JETSON.read_text(encoding='utf-8').splitlines()[0].strip('# ')}")
    yield from wheels(names)
    for each in catalogue.broken:
        yield Finding("wrong", f"plugin '{each.plugin}' {each.version} does not load: {each.error}", "flowalpr nodes")


def wheels(names: Iterable[str]) -> Iterator[Finding]:
    """Whether exactly one wheel of each family is among those that are installed."""
    names = tuple(names)
    for family, begin in FAMILIES.items():
        there = [name for name in names if name == begin or name.startswith(f"{begin}-")]
        if len(there) == 1:
            yield Finding("ok", f"{family}: {there[0]} {version(there[0])}")
        elif there:
            what = f"{family}: {' and '.join(there)} are installed, which overwrite each other's files"
            yield Finding(
                "wrong", what, f"pip uninstall -y {' '.join(there)}; pip install --force-reinstall {there[0]}"
            )
        else:
            extras = "pip install 'flowalpr[cpu]', or 'flowalpr[cuda]' for an NVIDIA GPU"
            yield Finding("warning", f"{family} is not installed as a wheel", extras)
