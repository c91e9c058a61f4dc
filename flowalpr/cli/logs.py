"""Sets the log up: to standard error, since standard output belongs to the reads."""

from __future__ import annotations

import logging
import sys
from functools import cached_property
from typing import TYPE_CHECKING

from flowalpr.control.logs import particulars

if TYPE_CHECKING:
    from structlog.stdlib import ProcessorFormatter
    from structlog.typing import EventDict, Processor


def set_up(verbose: int, as_json: bool, keeper: logging.Handler | None = None) -> None:
    """Errors and warnings always; with `-v` what happens, with `-vv` every detail. JSON: one object a line.

    What happens also goes to `keeper`, whatever is shown.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Lines(as_json))
    level = (logging.WARNING, logging.INFO, logging.DEBUG)[min(verbose, 2)]
    handler.setLevel(level)
    handlers = [handler] if keeper is None else [handler, keeper]
    least = min(level, *(each.level for each in handlers))
    logging.basicConfig(handlers=handlers, level=least, force=True)


class _Lines(logging.Formatter):
    """A line for each record, laid out by structlog once there is one: most commands log nothing, and need not wait."""

    def __init__(self, as_json: bool) -> None:
        super().__init__()
        self._as_json = as_json

    def format(self, record: logging.LogRecord) -> str:
        return self._layout.format(record)

    @cached_property
    def _layout(self) -> ProcessorFormatter:
        import structlog  # Here, since it brings the tracebacks of rich, which take as long to import as NumPy.

        render: Processor = (
            structlog.processors.JSONRenderer(ensure_ascii=False)
            if self._as_json
            # Not its own tracebacks, which show the values of variables: plates and passwords may be among them.
            else structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
            )
        )
        return structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[
                structlog.stdlib.add_log_level,
                _add_particulars,
                structlog.processors.TimeStamper(fmt="iso", utc=True),
            ],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, render],
        )


def _add_particulars(_logger: object, _method: str, line: EventDict) -> EventDict:
    return {**line, **particulars(line["_record"])}
