"""The node `format`."""

from pathlib import Path

import pytest

from flowalpr import PlateRead, SetupError
from flowalpr.testing import feed, plate_read
from flowalpr_builtin.filters.format import Format


def only(node: Format, read: PlateRead) -> PlateRead:
    (given,) = feed(node, read)
    assert isinstance(given, PlateRead)
    return given


def test_a_repair_is_told_and_the_raw_text_kept() -> None:
    read = plate_read("KSI5A8C", 0.7)
    given = only(Format(countries=("GB",)), read)
    assert (given.text, given.country, given.raw) == ("KS15ABC", "GB", "KSI5A8C")
    assert given.repairs == ("3: I -> 1", "6: 8 -> B")
    assert (given.confidence, given.confidences, given.id) == (read.confidence, read.confidences, read.id)


def test_a_text_that_fits_only_gets_its_country() -> None:
    given = only(
        Format(
            countries=(
                "DE",
                "VN",
            )
        ),
        plate_read("30A12345"),
    )
    assert (given.text, given.country, given.repairs) == ("30A12345", "VN", ())


def test_without_countries_one_is_told_only_if_no_other_has_such_plates() -> None:
    assert only(Format(), plate_read("京A12341")).country == "CN"
    assert only(Format(), plate_read("AB123CD")).country is None


def test_reads_that_fit_nothing_go_on_or_end_here_as_asked() -> None:
    nonsense = plate_read("XXXXXXXX1")
    assert only(Format(countries=("GB",)), nonsense).text == "XXXXXXXX1"
    assert feed(Format(countries=("GB",), keep="matching"), nonsense) == []
    assert feed(Format(keep="matching"), plate_read("AB123CD"))
    assert only(Format(countries=("GB",), keep="matching"), plate_read("KSI5ABC")).text == "KS15ABC"


def test_formatting_twice_changes_nothing_more() -> None:
    once = only(Format(countries=("GB",)), plate_read("KSI5ABC"))
    twice = only(Format(countries=("GB",)), once)
    assert (twice.text, twice.raw, twice.repairs) == (once.text, once.raw, once.repairs)


def test_an_unknown_country_is_refused_before_the_flow_starts() -> None:
    with pytest.raises(ValueError, match=r"no country pack for UK; there are .*GB"):
        Format(countries=("UK",))


def test_own_packs_are_read_from_a_folder_and_their_mistakes_told(tmp_path: Path) -> None:
    pack = "[country]\nname = Atlantis\nsource = Road Act\n[cars]\npatterns = (X) D5\nmatches = X 12345\n"
    (tmp_path / "XA.ini").write_text(pack, encoding="utf-8")
    assert only(Format(countries=("XA",), extra=tmp_path), plate_read("XI2345", 0.7)).text == "X12345"
    (tmp_path / "XA.ini").write_text(pack.replace("D5", "D4"), encoding="utf-8")
    with pytest.raises(SetupError, match=r"XA\.ini:6  cars, matches: 'X 12345' does not fit"):
        feed(Format(countries=("XA",), extra=tmp_path), plate_read("X12345"))
