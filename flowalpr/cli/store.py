"""`flowalpr store`: the store itself: its key, back-ups, and whether it is whole."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from flowalpr.cli.accountable import Why, account
from flowalpr.cli.options import AsJson
from flowalpr.cli.stores import Db, Key, OfFlow, address_of, opened

app = typer.Typer(no_args_is_help=True, help="Change the key of a store, back it up, restore and check it.")


@app.command("rotate-key")
def rotate_key(
    why: Why = "",
    db: Db = None,
    flow: OfFlow = None,
    key: Key = None,
    to: Annotated[
        str | None, typer.Option("--to", metavar="REFERENCE", help="The new key; else one is made in a new file.")
    ] = None,
) -> None:
    """Wrap the keys of all days with a new master key. Reads stay as they are; a running flow goes on."""
    from flowalpr.settings import Secret
    from flowalpr.storage.keys import new_master

    with opened(db, flow, key) as store:
        old, new = store.ring.master, new_master(Secret(to) if to is not None else None)
        old_name = old.fingerprint if old else None
        account("key changed", why=why, store=str(store.address), old=old_name, new=new.fingerprint)
        count = store.ring.rotate(new)
    typer.echo(f"the keys of {count} days and kinds are wrapped with the key {new.fingerprint}: {new.where}")
    if to is not None or (old is not None and not old.where.startswith("file:")):
        typer.echo("say so where the store is used, before its flow starts again: key: ...")
    if old is not None:
        typer.echo(f"back-ups from before still need the old key {old.fingerprint}: {old.where}")


@app.command()
def backup(
    target: Annotated[Path, typer.Argument(metavar="FILE", help="A new file; .tar.")],
    why: Why = "",
    db: Db = None,
    flow: OfFlow = None,
    key: Key = None,
) -> None:
    """Copy a store with its pictures into one file, also while a flow runs. It stays sealed; the key is not in it."""
    from flowalpr.storage.backup import back_up

    with opened(db, flow, key) as store:
        account("backup", why=why, store=str(store.address), to=str(target))
        reads, pictures = back_up(store, target)
        master = store.ring.master
    typer.echo(f"{reads} reads and {pictures} pictures are in {target}")
    if master is not None:
        typer.echo(f"nobody can read them without the key, so keep a copy elsewhere: {master.where}")


@app.command()
def restore(
    source: Annotated[Path, typer.Argument(metavar="FILE", help="Made by `flowalpr store backup`.")],
    why: Why = "",
    db: Db = None,
    flow: OfFlow = None,
    key: Key = None,
) -> None:
    """Put a store back from a back-up, where there is none."""
    from flowalpr.storage import ReadStore
    from flowalpr.storage.backup import restore as put_back
    from flowalpr.storage.query import Query

    address = address_of(db, flow, key)
    account("restore", why=why, store=str(address), source=str(source))
    put_back(source, address)
    with ReadStore(address) as store:
        typer.echo(f"{store.count(Query())} reads are in {address.path}")


@app.command()
def verify(db: Db = None, flow: OfFlow = None, key: Key = None, as_json: AsJson = False) -> None:
    """Open everything once and name what is damaged; the rest stays readable. Exit code 0: whole; 1: not."""
    from flowalpr.cli.progress import progress
    from flowalpr.storage.backup import verified

    with opened(db, flow, key) as store:
        verdict = verified(store, lambda reads, total: progress(reads, "opening", total, quiet=as_json))
    if as_json:
        typer.echo(json.dumps({"reads": verdict.reads, "pictures": verdict.pictures, "damage": verdict.damage}))
    else:
        for each in verdict.damage:
            typer.echo(each)
        state = f"{len(verdict.damage)} faults" if verdict.damage else "whole"
        typer.echo(f"{verdict.reads} reads and {verdict.pictures} pictures: {state}")
    if verdict.damage:
        sys.exit(1)
