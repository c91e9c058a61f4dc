"""Country packs: those in the box are sound, and mistakes in one are named with file and line."""

import subprocess
import sys
from pathlib import Path

import pytest

from flowalpr.plates import PackError, countries, load, normal, read_pack

NEEDED = {"AU", "BR", "CN", "CZ", "DE", "ES", "FR", "GB", "IN", "IT", "NL", "PK", "PL", "RO", "SK", "US"}

ATLANTIS = """[country]
name = Atlantis
source = Road Act 2021
refuses = IA 123, AB 12 CDE

[sets]
letter = A-H J-N P-Z
city = A B KN

[cars]
patterns =
    <city> D3 <letter>2
    <city> (T|TX) D1-4 (E)?
matches = KN 123 AB, B T 17, A-TX 1234
"""


def written(folder: Path, text: str, code: str = "XA") -> Path:
    path = folder / f"{code}.ini"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("code", countries())
def test_every_pack_in_the_box_fits_its_examples_and_refuses_the_others(code: str) -> None:
    pack = read_pack(countries()[code])  # Reading tries the examples and raises if one does not hold.
    assert pack.code == code
    assert pack.name
    assert pack.source
    assert any(each.repairs for each in pack.formats)
    assert all(each.matches for each in pack.formats)
    formats = load((code,))
    assert all(formats.match(normal(text)) for each in pack.formats for text in each.matches)


def test_the_countries_that_were_promised_have_packs() -> None:
    assert set(countries()) >= NEEDED


def test_a_pack_is_a_file_and_needs_no_code(tmp_path: Path) -> None:
    written(tmp_path, ATLANTIS)
    formats = load(("XA", "GB"), tmp_path)
    assert [str(formats.match(text)).split(":")[0] for text in ("KN123AB", "KS15ABC")] == ["XA cars", "GB since 2001"]
    assert formats.match("BT1E")
    assert formats.match("BT") is None


def test_a_plugin_adds_its_packs_by_naming_the_folder(tmp_path: Path) -> None:
    written(tmp_path, ATLANTIS, "XB")
    assert "XB" not in countries()
    # In an interpreter of its own, since a plugin that was imported stays.
    code = f"from flowalpr import plates; from pathlib import Path; plates.add_folder(Path({str(tmp_path)!r})); "
    told = [sys.executable, "-c", code + "print(plates.load(('XB', 'GB')).match('KN123AB'), plates.countries()['XB'])"]
    said = subprocess.run(told, capture_output=True, text=True, check=True, timeout=30).stdout
    assert said.startswith("XB cars")
    assert said.strip().endswith("XB.ini")


def test_an_own_pack_replaces_the_one_in_the_box(tmp_path: Path) -> None:
    written(tmp_path, ATLANTIS, "GB")
    assert load(("GB",), tmp_path).match("KS15ABC") is None
    assert load(("GB",)).match("KS15ABC")


@pytest.mark.parametrize(
    ("old", "new", "line", "what"),
    [
        ("name = Atlantis\n", "", 1, "needs `name = ...`"),
        ("source =", "sources =", 3, "unknown"),
        ("<city> D3", "<town> D3", 11, "no set 'town'"),
        ("D3 <letter>2", "D3 letter", 11, "is not understood"),
        ("A-H J-N P-Z", "a-h", 7, "capital letters"),
        ("KN 123 AB,", "KN 12 AB,", 14, "'KN 12 AB' does not fit"),
        ("refuses = IA 123", "refuses = KN 123 AB", 4, "should fit nothing"),
        ("matches =", "repair = maybe\nmatches =", 14, "write yes or no"),
        ("D3 <letter>2", "<any>9 <any>9", 12, "can mean too much"),
    ],
)
def test_a_mistake_is_named_with_its_file_and_line(tmp_path: Path, old: str, new: str, line: int, what: str) -> None:
    text = ATLANTIS.replace("city = A B KN", "city = A B KN\nany = A-Z 0-9") if "any" in new else ATLANTIS
    path = written(tmp_path, text.replace(old, new))
    with pytest.raises(PackError) as error:
        read_pack(path)
    assert what in str(error.value)
    if "patterns" not in str(error.value):
        assert str(error.value).startswith(f"{path}:{line}  ")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe\x00",
        b"no section = 1\n",
        b"[country]\nname = A\nname = B\n",
        b"[country]\nname = A\nsource = B\n",
    ],
)
def test_a_file_that_is_no_pack_is_refused_in_words(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "XA.ini"
    path.write_bytes(content)
    with pytest.raises(PackError, match=r"XA\.ini"):
        read_pack(path)


def test_a_missing_file_and_a_bad_name_are_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(PackError, match="cannot be read"):
        read_pack(tmp_path / "XA.ini")
    with pytest.raises(PackError, match="alpha-2"):
        read_pack(written(tmp_path, ATLANTIS, "atlantis"))


def test_an_unknown_country_is_refused_with_those_there_are() -> None:
    with pytest.raises(PackError, match=r"no country pack 'UK'.*GB"):
        load(("UK",))


def test_letters_and_digits_may_be_narrowed_for_a_whole_country(tmp_path: Path) -> None:
    pack = "[country]\nname = A\nsource = B\n[sets]\nL = A-C\n[cars]\npatterns = L2 D2\nmatches = AB 12\n"
    written(tmp_path, pack)
    formats = load(("XA",), tmp_path)
    assert formats.match("AB12")
    assert formats.match("AD12") is None
