"""For how long reads are kept, and what is due to be deleted when."""

from __future__ import annotations

import dataclasses
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from flowalpr.events import Listed
from flowalpr.messages import PlateRead
from flowalpr.storage.laws import LAWS
from flowalpr.storage.pseudonyms import Pseudonyms
from flowalpr.storage.retention import NEVER, Keep
from flowalpr.testing import plate_read

NOON = datetime(2026, 11, 27, 12, tzinfo=timezone.utc)
DAY = timedelta(days=1)


def read_of(text: str = "KX73ZZZ", *lists: str) -> PlateRead:
    return dataclasses.replace(plate_read(text), listed=tuple(Listed(each, text, "allow") for each in lists))


def test_matched_reads_are_kept_longer_than_others() -> None:
    keep = Keep.model_validate({"matched": "30 d", "unmatched": "3 min", "crops": "24 h"})
    assert keep.period(read_of("KX1", "residents")) == 30 * DAY
    assert keep.period(read_of("KX1")) == timedelta(minutes=3)
    assert keep.unbounded == ()


def test_where_several_periods_fit_the_shortest_counts() -> None:
    rules = [{"lists": ["staff"], "keep": "7 d"}, {"cameras": ["camera"], "keep": "60 d"}]
    keep = Keep.model_validate({"matched": "30 d", "rules": rules})
    assert keep.period(read_of("KX1", "residents")) == 30 * DAY
    assert keep.period(read_of("KX1", "residents", "staff")) == 7 * DAY
    assert keep.unbounded == ("unmatched",)


def test_never_is_not_even_written() -> None:
    keep = Keep.model_validate({"unmatched": "never", "crops": "never"})
    assert keep.period(read_of()) == NEVER
    assert keep.pictures() == ("frame",)
    with pytest.raises(ValidationError, match="write `never`"):
        Keep.model_validate({"unmatched": "0 s"})


def test_a_read_without_a_plate_goes_by_its_own_period_too() -> None:
    keep = Keep.model_validate({"unmatched": "30 d", "unread": "1 h"})
    assert keep.period(read_of("")) == timedelta(hours=1)


def test_what_is_due_asks_the_store_for_what_is_older() -> None:
    keep = Keep.model_validate({"matched": "30 d", "unmatched": "3 min", "crops": "24 h"})
    found = {(each.kind, each.which): each.before for each in keep.due(NOON)}
    assert found == {
        ("read", "matched"): NOON - 30 * DAY,
        ("read", "unmatched"): NOON - timedelta(minutes=3),
        ("crop", "all reads"): NOON - DAY,
    }


@given(hours=st.integers(-1000, 1000), later=st.integers(0, 1000))
def test_what_is_due_stays_due(hours: int, later: int) -> None:
    keep = Keep.model_validate({"law": "eu-guidelines"})
    now = NOON + timedelta(hours=hours)
    for before, after in zip(keep.due(now), keep.due(now + timedelta(hours=later)), strict=True):
        assert before.before <= after.before


@pytest.mark.parametrize("name", LAWS)
def test_a_law_sets_what_is_left_out(name: str) -> None:
    keep = Keep.model_validate({"law": name, "crops": "1 h"})
    assert keep.unmatched is not None
    assert keep.crops == timedelta(hours=1)
    assert LAWS[name].source


def test_the_periods_of_laws_are_those_of_their_texts() -> None:
    periods = {name: law.keep["unmatched"] for name, law in LAWS.items()}
    assert periods == {
        "eu-guidelines": "72 h",
        "germany-police": "never",
        "new-hampshire": "3 min",
        "maine": "21 d",
        "minnesota": "60 d",
        "california-highway-patrol": "60 d",
        "uk-police": "365 d",
    }


def test_an_unknown_law_names_those_that_are_known() -> None:
    with pytest.raises(ValidationError, match="no law 'atlantis' is known here: use one of eu-guidelines"):
        Keep.model_validate({"law": "atlantis"})


def test_reads_that_go_at_the_same_age_lie_on_one_shelf() -> None:
    keep = Keep.model_validate({"matched": "1 h", "unmatched": "60 min"})
    assert keep.shelf(read_of("KX1", "residents")) == keep.shelf(read_of("KX1")) == "3600"
    assert Keep().shelf(read_of()) == ""


def test_a_pseudonym_is_the_same_while_its_key_lasts_and_leads_nowhere_afterwards(tmp_path: Path) -> None:
    path = tmp_path / "pseudonyms.key"
    first = Pseudonyms(path, DAY).of("KX73 ZZZ", NOON)
    again = Pseudonyms(path, DAY)  # After a restart.
    assert again.of("kx73zzz", NOON + timedelta(hours=23)) == first
    assert again.of("KX73ZZZ", NOON + DAY) != first
    assert again.of("KX73ZZZ", NOON + DAY) != again.of("KX73ZZY", NOON + DAY)
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_clock_set_back_begins_a_new_key(tmp_path: Path) -> None:
    names = Pseudonyms(tmp_path / "key", DAY)
    assert names.of("KX73ZZZ", NOON) != names.of("KX73ZZZ", NOON - DAY)


def test_nothing_else_of_the_read_tells_the_plate(tmp_path: Path) -> None:
    read = dataclasses.replace(read_of("KX73ZZZ", "residents"), raw="KX73ZZ2", repairs=("7: 2 -> Z",))
    frame = dataclasses.replace(read.frame, source="KX73ZZZ.jpg")
    read = dataclasses.replace(read, detection=dataclasses.replace(read.detection, frame=frame))
    told = str(Pseudonyms(tmp_path / "key", DAY).replaced(read, NOON).record())
    assert "KX73" not in told
    assert "2 -> Z" not in told
