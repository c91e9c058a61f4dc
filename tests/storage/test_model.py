"""Append, search, correct, erase, purge, crash and reopen in any order: the store is what its model says."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from flowalpr.storage import Query, ReadStore, StoreAddress
from flowalpr.storage.tokens import classes, indexed
from flowalpr.testing import NOON, plate_read

pytestmark = pytest.mark.slow

TEXTS = st.text("AB80O", max_size=4)
IDS = st.sampled_from([f"{number:032x}" for number in range(6)])


class Model(RuleBasedStateMachine):
    """What the store must hold: by id the text and the day."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.held: dict[str, tuple[str, int]] = {}
        self.erased: set[str] = set()
        self.abandoned: list[ReadStore] = []
        self.before = os.environ.get("FLOWALPR_STATE")
        os.environ["FLOWALPR_STATE"] = str(self.folder / "state")

    @initialize(seal=st.booleans())
    def begin(self, seal: bool) -> None:
        self.store = ReadStore(StoreAddress(self.folder / "plates.db", seal=seal))

    @rule(ids=st.lists(IDS, min_size=1, max_size=3), text=TEXTS, day=st.integers(-2, 2))
    def append(self, ids: list[str], text: str, day: int) -> None:
        self.store.append([replace(plate_read(text, at=86_400 * day), id=each) for each in ids], kinds=("crop",))
        for each in ids:
            if each not in self.erased:
                self.held.setdefault(each, (text, day))

    @rule(id_=IDS, text=TEXTS)
    def correct(self, id_: str, text: str) -> None:
        assert (self.store.correct(id_, text) is not None) == (id_ in self.held)
        if id_ in self.held:
            self.held[id_] = (text, self.held[id_][1])

    @rule(ids=st.lists(IDS, max_size=2, unique=True))
    def erase(self, ids: list[str]) -> None:
        assert self.store.erase(ids) == len(self.held.keys() & set(ids))
        self.erased |= set(ids)
        self.held = {id_: told for id_, told in self.held.items() if id_ not in ids}

    @rule(day=st.integers(-2, 2))
    def purge(self, day: int) -> None:
        before = NOON + timedelta(days=day)
        kept = {id_: told for id_, told in self.held.items() if told[1] >= day}
        assert self.store.purge(Query(until=before)) == len(self.held) - len(kept)
        self.store.destroy_keys(before)
        self.held = kept

    @rule()
    def crash(self) -> None:
        self.abandoned.append(self.store)
        self.store = ReadStore(self.store.address)

    @rule()
    def reopen(self) -> None:
        self.store.close()
        self.store = ReadStore(self.store.address)

    @rule(text=TEXTS.filter(bool))
    def search(self, text: str) -> None:
        for asked, fits in (
            (Query(text=text), lambda each: each == text),
            (Query(text=text[:1] + "*"), lambda each: each.startswith(text[:1])),
            (Query(text="?" + text[1:], alike=0.2), lambda each: _alike("?" + text[1:], each)),
        ):
            found = {each.id for each in self.store.iterate(asked)}
            assert found == {id_ for id_, (each, _) in self.held.items() if fits(each)}

    @invariant()
    def all_is_there_and_nothing_else(self) -> None:
        if not hasattr(self, "store"):
            return
        reads = list(self.store.iterate(Query()))
        assert {each.id: each.text for each in reads} == {id_: text for id_, (text, _) in self.held.items()}
        assert len(reads) == len(self.held)
        assert [each.time for each in reads] == sorted((each.time for each in reads), reverse=True)
        assert len(self.store.picture_files(-1)) == sum(len(each.pictures) for each in reads)

    def teardown(self) -> None:
        for each in [*self.abandoned, *([self.store] if hasattr(self, "store") else [])]:
            each.close()
        shutil.rmtree(self.folder)
        if self.before is None:
            del os.environ["FLOWALPR_STATE"]
        else:
            os.environ["FLOWALPR_STATE"] = self.before


def _alike(pattern: str, text: str) -> bool:
    one, other = classes(pattern), classes(indexed(text))
    return len(one) == len(other) and all(here in ("?", there) for here, there in zip(one, other, strict=True))


TestModel = Model.TestCase
TestModel.settings = settings(
    max_examples=6, stateful_step_count=15, deadline=None, suppress_health_check=list(HealthCheck)
)

CHILD = """
import sys
from dataclasses import replace
from pathlib import Path
from flowalpr.storage import ReadStore, StoreAddress
from flowalpr.testing import plate_read
store = ReadStore(StoreAddress(Path(sys.argv[1])))
for batch in range(int(sys.argv[2]), int(sys.argv[2]) + 100_000, 20):
    store.append([replace(plate_read(f"AB{n}"), id=str(n)) for n in range(batch, batch + 20)], kinds=("crop",))
    print(batch + 20, flush=True)
"""


def test_a_program_killed_in_the_middle_of_a_batch_loses_nothing_confirmed_and_doubles_nothing(tmp_path: Path) -> None:
    path, source = tmp_path / "plates.db", random.Random(7)
    for turn in range(5):
        start = turn * 100_000
        command = [sys.executable, "-c", CHILD, str(path), str(start)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
            assert child.stdout
            told = [int(child.stdout.readline())]
            threading.Timer(source.uniform(0, 0.2), child.send_signal, [signal.SIGKILL]).start()
            told += [int(line) for line in child.stdout if line.endswith("\n")]
        with ReadStore(StoreAddress(path)) as store:
            reads = list(store.iterate(Query()))
            numbers = {int(each.id) for each in reads}
            assert numbers >= set(range(start, told[-1]))
            assert len(reads) == len(numbers)
            assert not [each.damage for each in reads if each.damage]
            assert len(store.picture_files(-1)) == len(reads)
