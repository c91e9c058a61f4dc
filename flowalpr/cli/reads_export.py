"""Writes reads to files of several forms."""

from __future__ import annotations

import csv
import importlib
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from flowalpr.errors import FlowError, Problem, SetupError

if TYPE_CHECKING:
    from flowalpr.storage import StoredRead

_PASSAGE = ("direction", "reason", "stage", "first", "last", "seen", "reads", "listed")
COLUMNS = (
    "id",
    "time",
    "camera",
    "text",
    "confidence",
    "country",
    *_PASSAGE,
    "raw",
    "file",
    "frame",
    "track",
    "damage",
)
AT_ONCE = 10_000
"""Rows that a Parquet file takes at a time."""


def written(reads: Iterable[StoredRead], out: Path) -> int:
    """Write reads in the form that the file's ending says, for its owner alone; how many.

    Raises:
        FlowError: the ending says nothing.
        SetupError: the file is there or cannot be written, or pyarrow is missing.
    """
    if str(out) == "-":
        return _jsonl(reads, sys.stdout)
    forms: dict[str, Callable[[Iterable[StoredRead], TextIO], int]] = {".csv": _csv, ".json": _json, ".jsonl": _jsonl}
    if out.suffix not in (*forms, ".parquet"):
        raise FlowError([Problem(f"{out} has no form that is known", expected=".csv, .json, .jsonl or .parquet")])
    try:
        handle = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        if out.suffix == ".parquet":
            os.close(handle)
            return _parquet(reads, out)
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            return forms[out.suffix](reads, file)
    except FileExistsError:
        raise SetupError(f"{out} is there already", "name another file") from None
    except OSError as error:
        raise SetupError(f"{out} cannot be written: {error.strerror}", "choose another place") from None


def _jsonl(reads: Iterable[StoredRead], file: TextIO) -> int:
    count = 0
    for each in reads:
        file.write(json.dumps(each.record(), ensure_ascii=False) + "\n")
        count += 1
    return count


def _json(reads: Iterable[StoredRead], file: TextIO) -> int:
    count = 0
    for count, each in enumerate(reads, 1):
        file.write(("[\n" if count == 1 else ",\n") + json.dumps(each.record(), ensure_ascii=False))
    file.write("\n]\n" if count else "[]\n")
    return count


def _csv(reads: Iterable[StoredRead], file: TextIO) -> int:
    writer = csv.DictWriter(file, COLUMNS)
    writer.writeheader()
    count = 0
    for row in _rows(reads):
        writer.writerow({name: _harmless(value) for name, value in row.items()})
        count += 1
    return count


def _parquet(reads: Iterable[StoredRead], out: Path) -> int:
    arrow = importlib.import_module("pyarrow")
    parquet = importlib.import_module("pyarrow.parquet")
    kinds = {"confidence": arrow.float64()} | {name: arrow.int64() for name in ("seen", "reads", "frame", "track")}
    schema = arrow.schema([(name, kinds.get(name, arrow.string())) for name in COLUMNS])
    rows, count = _rows(reads), 0
    with parquet.ParquetWriter(out, schema) as writer:
        while some := list(islice(rows, AT_ONCE)):
            writer.write_table(arrow.Table.from_pylist(some, schema))
            count += len(some)
    return count


def _rows(reads: Iterable[StoredRead]) -> Iterator[dict[str, Any]]:  # Any: the values that JSON has
    for each in reads:
        record = each.record()
        yield {name: _flat(record.get(name)) for name in COLUMNS}


def _flat(value: Any) -> Any:  # Any: the values that JSON has
    return json.dumps(value, ensure_ascii=False) if isinstance(value, (list, dict)) else value


def _harmless(value: Any) -> Any:  # Any: the values that JSON has
    """A value that no spreadsheet takes for a formula (OWASP, CSV injection)."""
    return f"'{value}" if isinstance(value, str) and value[:1] in tuple("=+-@\t\r") else value
