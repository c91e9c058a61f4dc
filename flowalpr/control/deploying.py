"""Another flow file in place of the one that runs: checked, put to work, and kept for the next start."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable
from concurrent.futures import TimeoutError as NotInTime
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from flowalpr.control.heard import Record
from flowalpr.errors import FlowalprError
from flowalpr.flow.graph import Graph
from flowalpr.flow.load import bundled_flows

if TYPE_CHECKING:
    from flowalpr.engine.runner import Runner

WITHIN = 80.0
"""Seconds that a change may take: models load, wires drain."""

Check = Callable[[str, str], Graph]
"""The graph of a text, and what errors call it; raises `FlowError` with all that is wrong."""


class StillBusyError(FlowalprError):
    """The change takes longer than anybody should wait for."""


class Deploying:
    """Changes one running flow."""

    def __init__(self, runner: Runner, check: Check) -> None:
        self._runner = runner
        self._check = check

    def fingerprint(self, text: str) -> dict[str, str]:
        """By what the audit log knows a flow file."""
        return {"sha256": hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()}

    def deploy(self, text: str, name: str, *, save: bool) -> Record:
        """Change to the flow that this text describes: the nodes that `changed`, and whether it was `saved`.

        Raises:
            FlowError: it is wrong, with all that is; the flow goes on as it was.
            NotOpenedError: a new node cannot be opened; the flow goes on as it was.
            StillBusyError: it takes too long, and may still come about.
        """
        path = self._runner.graph.path
        graph = self._check(text, name or str(path))
        changing = self._runner.ask(lambda: self._runner.deploy(graph))
        try:
            changed = changing.result(WITHIN)
        except NotInTime:
            changing.cancel()
            raise StillBusyError(f"the flow has not changed within {WITHIN:g} s; see whether it does") from None
        kept, why = (False, "it was not to be saved") if not save else written(path, text)
        return {"changed": list(changed), "saved": kept, "why_not": "" if kept else why}


def written(path: Path | None, text: str) -> tuple[bool, str]:
    """Put the text in the place of the flow file, whole or not at all; if not, why."""
    if path is None:
        return False, "the flow has no file"
    if path.resolve() in {each.resolve() for each in bundled_flows().values()}:
        return False, f"{path} comes in the box; run a copy of it to keep changes over a restart"
    new = path.with_name(f".{path.name}.new")
    try:
        if path.read_text(encoding="utf-8") == text:
            return True, ""
        with new.open("w", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        shutil.copymode(path, new)
        new.replace(path)
    except (OSError, UnicodeError) as error:
        with suppress(OSError):
            new.unlink(missing_ok=True)
        return False, f"{path} cannot be written: {getattr(error, 'strerror', None) or type(error).__name__}"
    return True, ""
