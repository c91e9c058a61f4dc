"""Sets the log up: to standard error, since standard output belongs to the reads."""

from __future__ import annotations

import logging
import sys

import structlog


def set_up(verbose: int, as_json: bool) -> None:
    """Errors and warnings always; with `-v` what happens, with `-vv` every detail. JSON: one object a line."""
    level = (logging.WARNING, logging.INFO, logging.DEBUG)[min(verbose, 2)]
    render = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if as_json
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            render,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
    )
