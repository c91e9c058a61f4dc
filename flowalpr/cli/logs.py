"""Sets the log up: to standard error, since standard output belongs to the reads."""

from __future__ import annotations

import logging
import sys

import structlog


def set_up(verbose: int, as_json: bool, keeper: logging.Handler | None = None) -> None:
    """Errors and warnings always; with `-v` what happens, with `-vv` every detail. JSON: one object a line.

    What happens also goes to `keeper`, whatever is shown.

    Nodes log with the standard library, as the packages they use do; the engine with structlog. Both end up here.
    """
    render = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if as_json
        # Not its own tracebacks, which show the values of variables: plates and passwords may be among them.
        else structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
    )
    both: list[structlog.typing.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=both,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, render],
        )
    )
    level = (logging.WARNING, logging.INFO, logging.DEBUG)[min(verbose, 2)]
    handler.setLevel(level)
    handlers = [handler] if keeper is None else [handler, keeper]
    least = min(level, *(each.level for each in handlers))
    logging.basicConfig(handlers=handlers, level=least, force=True)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *both,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
    )
