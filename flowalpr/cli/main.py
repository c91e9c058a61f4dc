"""Assembles the commands and turns errors into messages and exit codes: 0 done, 1 failed, 2 the input is wrong."""

from __future__ import annotations

import sys

import typer

from flowalpr.cli import (
    alerts,
    audit,
    bench,
    check,
    compress,
    data,
    doctor,
    evaluate,
    export,
    graph,
    looking,
    models,
    monitor,
    new,
    nodes,
    privacy,
    read,
    reads,
    run,
    schema,
    service,
    status,
    store,
    subject,
    token,
    train,
    watchlist,
    zone,
)
from flowalpr.errors import FlowalprError, missing_module

app = typer.Typer(
    name="flowalpr",
    help="Read licence plates live, at the edge.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,  # A traceback is for a fault of ours, and then in full.
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("run")(run.run)
app.command("status")(status.status)
app.command("logs")(looking.logs)
app.command("deploy")(looking.deploy)
app.command("read")(read.read)
app.command("monitor")(monitor.monitor)
app.command("check")(check.check)
app.command("doctor")(doctor.doctor)
app.command("graph")(graph.graph)
app.command("schema")(schema.schema)
app.command("export")(export.export)
app.add_typer(nodes.app, name="nodes")
app.add_typer(models.app, name="models")
app.add_typer(data.app, name="data")
app.add_typer(train.app, name="train")
app.add_typer(evaluate.app, name="eval")
app.add_typer(compress.app, name="compress")
app.add_typer(bench.app, name="bench")
app.add_typer(new.app, name="new")
app.add_typer(alerts.app, name="alerts")
app.add_typer(reads.app, name="reads")
app.add_typer(store.app, name="store")
app.add_typer(watchlist.app, name="watchlist")
app.add_typer(zone.app, name="zone")
app.add_typer(service.app, name="service")
app.add_typer(token.app, name="token")
app.add_typer(audit.app, name="audit")
app.add_typer(privacy.app, name="privacy")
app.add_typer(subject.app, name="subject")


def main() -> None:
    """Run the command line."""
    try:
        app()
    except FlowalprError as error:
        _fail(error)
    except ModuleNotFoundError as error:
        known = missing_module(error)
        if known is None:
            raise
        _fail(known)


def _fail(error: FlowalprError) -> None:
    typer.echo(str(error), err=True)
    sys.exit(error.exit_code)
