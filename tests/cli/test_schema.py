"""`flowalpr schema`: where it writes, and what it says when it cannot."""

from __future__ import annotations

import json
from pathlib import Path

from typer.testing import CliRunner, Result

from flowalpr.cli.main import app
from flowalpr.errors import SetupError


def schema(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["schema", *map(str, arguments)])


def test_it_is_printed_or_written_to_a_file(tmp_path: Path) -> None:
    printed = schema().output
    assert "camera" in json.dumps(json.loads(printed)["$defs"]["node"])
    assert schema("--out", tmp_path / "flow.schema.json").output == ""
    assert (tmp_path / "flow.schema.json").read_text(encoding="utf-8") == printed


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    result = schema("--out", tmp_path / "missing" / "flow.schema.json")
    assert isinstance(result.exception, SetupError)
    assert "flow.schema.json cannot be written: No such file or directory" in str(result.exception)
