"""The audit log: what is recorded stays, and what is done to it shows."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flowalpr.errors import SetupError
from flowalpr.storage.audit import AuditLog, PurposeMissingError, Who

ANNA = Who("anna", "10.0.0.7", "operator")
NOON = datetime(2026, 11, 27, 12, tzinfo=timezone.utc)


def clock_of(*times: datetime) -> Callable[[], datetime]:
    left = iter(times)
    return lambda: next(left)


@pytest.fixture
def log(tmp_path: Path) -> AuditLog:
    return AuditLog(tmp_path / "audit")


def filled(log: AuditLog, count: int = 6) -> AuditLog:
    for number in range(count):
        log.record("search", ANNA, plate=f"KX{number}", why="case 114", about={"found": number})
    return log


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The files of a log with six entries."""
    log = filled(AuditLog(tmp_path_factory.mktemp("written")))
    return {path.name: path.read_bytes() for path in log.folder.iterdir()}


def laid_out(folder: Path, files: dict[str, bytes]) -> AuditLog:
    folder.mkdir(exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
        (folder / name).chmod(0o600)
    return AuditLog(folder)


def test_an_entry_says_who_did_what_to_whom_and_why(log: AuditLog) -> None:
    log.record("export", ANNA, plate="kx-73 zzz", why="request of the owner", about={"reads": 3})
    (entry,) = log.entries()
    assert (entry.number, entry.action, entry.who, entry.why) == (1, "export", ANNA, "request of the owner")
    assert entry.about == {"reads": 3}
    assert entry.plate in log.pseudonyms("KX73ZZZ")


def test_no_plate_stands_in_the_clear(log: AuditLog) -> None:
    log.record(
        "search", ANNA, plate="KX73 ZZZ", why="where is kx-73-zzz?", about={"asked": "KX 73.ZZZ", "n": ["KX73ZZZ"]}
    )
    (entry,) = log.entries()
    assert entry.why == "where is [plate]?"
    assert entry.about == {"asked": "[plate]", "n": ["[plate]"]}
    assert not [file.name for file in log.folder.iterdir() if b"ZZZ" in file.read_bytes().upper()]


def test_only_the_owner_may_read_it(log: AuditLog) -> None:
    filled(log, 1)
    assert {path.stat().st_mode & 0o777 for path in log.folder.iterdir()} == {0o600}
    assert log.folder.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("name", ["audit.key", "audit.jsonl"])
def test_a_file_that_others_may_read_is_refused(log: AuditLog, name: str) -> None:
    filled(log, 1)
    (log.folder / name).chmod(0o644)
    with pytest.raises(SetupError, match=f"chmod 600 .*{name}"):
        log.record("search", ANNA)


def test_a_whole_log_has_no_problems(log: AuditLog) -> None:
    verdict = filled(log).verify()
    assert (verdict.entries, verdict.problems, verdict.remarks) == (6, [], [])
    assert verdict.anchor.startswith("6:")


def test_no_log_has_no_problems_either(log: AuditLog) -> None:
    assert log.verify().problems == []
    assert list(log.entries()) == []


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(where=st.floats(0, 1, exclude_max=True), byte=st.integers(1, 255))
def test_any_altered_byte_is_found_and_the_entry_named(
    tmp_path: Path, written: dict[str, bytes], where: float, byte: int
) -> None:
    content = bytearray(written["audit.jsonl"])
    at = int(where * len(content))
    number = content[:at].count(b"\n") + 1
    content[at] ^= byte
    verdict = laid_out(tmp_path / "log", {**written, "audit.jsonl": bytes(content)}).verify()
    assert f"entry {number} " in verdict.problems[0] or f"line {number} " in verdict.problems[0]
    assert verdict.entries >= 4  # The rest can be read; an altered line break spoils two.


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.lists(st.integers(0, 5), max_size=8))
def test_lines_that_are_removed_repeated_or_moved_are_found(
    tmp_path: Path, written: dict[str, bytes], order: list[int]
) -> None:
    lines = written["audit.jsonl"].splitlines(keepends=True)
    content = b"".join(lines[each] for each in order)
    verdict = laid_out(tmp_path / "log", {**written, "audit.jsonl": content}).verify()
    assert bool(verdict.problems) == (order != [0, 1, 2, 3, 4, 5])


@pytest.mark.parametrize(
    ("change", "first"),
    [
        (lambda lines: lines[:2] + lines[3:], "entry 3 was removed"),
        (lambda lines: lines[:1] + lines[4:], "entries 2 to 4 were removed"),
        (lambda lines: lines[:4], "entries 5 to 6 were removed"),
        (lambda lines: [], "entries 1 to 6 were removed"),
        (lambda lines: [*lines[:2], b"{}\n", *lines[2:]], "line 3 was inserted"),
        (lambda lines: [*lines, lines[1]], "line 7 repeats entry 2 or is out of its place"),
        (lambda lines: [*lines[:1], lines[1].replace(b"anna", b"hans"), *lines[2:]], "entry 2 (line 2) was altered"),
    ],
)
def test_the_first_change_is_named(
    tmp_path: Path, written: dict[str, bytes], change: Callable[[list[bytes]], list[bytes]], first: str
) -> None:
    content = b"".join(change(written["audit.jsonl"].splitlines(keepends=True)))
    assert laid_out(tmp_path / "log", {**written, "audit.jsonl": content}).verify().problems[0] == first


def test_a_cut_end_stays_visible_after_more_was_written(tmp_path: Path, written: dict[str, bytes]) -> None:
    cut = b"".join(written["audit.jsonl"].splitlines(keepends=True)[:4])
    log = laid_out(tmp_path / "log", {**written, "audit.jsonl": cut})
    log.record("search", ANNA)
    assert log.verify().problems == ["entries 5 to 6 were removed"]


def test_a_cut_end_and_a_removed_head_stay_visible(tmp_path: Path, written: dict[str, bytes]) -> None:
    cut = b"".join(written["audit.jsonl"].splitlines(keepends=True)[:4])
    log = laid_out(tmp_path / "log", {"audit.key": written["audit.key"], "audit.jsonl": cut})
    assert "the head is missing or forged" in log.verify().problems[0]
    log.record("search", ANNA)
    assert log.verify().problems == ["before entry 5 the head was lost: entries that stood there may be missing"]


def test_an_anchor_kept_elsewhere_shows_that_all_was_put_back_to_an_earlier_day(log: AuditLog) -> None:
    filled(log)
    earlier = {path.name: path.read_bytes() for path in log.folder.iterdir()}
    log.record("erase", ANNA)
    anchor = log.verify().anchor
    assert log.verify(anchor).problems == []
    laid_out(log.folder, earlier)
    assert log.verify().problems == []
    assert log.verify(anchor).problems == [f"the anchor {anchor} is not in the log"]


def test_what_a_power_cut_left_is_taken_over_or_cut_off_aloud(tmp_path: Path, written: dict[str, bytes]) -> None:
    log = filled(laid_out(tmp_path / "log", written), 1)
    whole = (log.folder / "audit.jsonl").read_bytes()
    torn = laid_out(tmp_path / "log", {"audit.head": written["audit.head"], "audit.jsonl": whole + b'{"number":8,'})
    verdict = torn.verify()
    assert verdict.problems == []
    assert len(verdict.remarks) == 2
    torn.record("search", ANNA)
    assert torn.verify().problems == []
    assert [entry.action for entry in torn.entries()][-2:] == ["mended", "search"]


def test_a_lost_key_is_told_and_nothing_is_written(log: AuditLog) -> None:
    filled(log)
    (log.folder / "audit.key").unlink()
    before = (log.folder / "audit.jsonl").read_bytes()
    for attempt in (lambda: log.record("search", ANNA), log.verify):
        with pytest.raises(SetupError, match="the key of the audit log is gone"):
            attempt()
    assert (log.folder / "audit.jsonl").read_bytes() == before


def test_a_clock_set_back_is_a_remark_and_the_order_stays(tmp_path: Path) -> None:
    log = AuditLog(tmp_path / "audit", clock_of(NOON, NOON - timedelta(days=40)))
    filled(log, 2)
    verdict = log.verify()
    assert (verdict.problems, verdict.remarks) == ([], ["entry 2: the clock had been set back by 3456000 s"])
    assert [entry.number for entry in log.entries()] == [1, 2]


def test_a_purpose_is_asked_where_it_is_required(log: AuditLog) -> None:
    log.require_purpose(("search",), ANNA)
    with pytest.raises(PurposeMissingError, match="'search' needs a purpose here"):
        log.record("search", ANNA, why="  ")
    log.record("search", ANNA, why="case 114")
    log.record("erase", ANNA)
    (log.folder / "audit.head").unlink()  # The log itself still knows.
    with pytest.raises(PurposeMissingError):
        log.record("search", ANNA)


def test_pseudonyms_of_old_months_can_be_forgotten(tmp_path: Path) -> None:
    log = AuditLog(tmp_path / "audit", clock_of(NOON, NOON + timedelta(days=40), NOON + timedelta(days=41)))
    filled(log, 1)
    filled(log, 1)
    log.forget_plates_before("2027-01", ANNA)
    first, second, _ = log.entries()
    assert first.plate.startswith("2026-11:")
    assert log.pseudonyms("KX0") == {second.plate}
    assert log.verify().problems == []


@pytest.mark.slow
def test_a_full_disk_refuses_the_entry_and_keeps_the_others(log: AuditLog) -> None:
    filled(log)
    code = (
        "import resource, signal, sys; from pathlib import Path; from flowalpr.storage.audit import AuditLog, Who\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "log = AuditLog(Path(sys.argv[1])); size = (log.folder / 'audit.jsonl').stat().st_size\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (size + 100, resource.RLIM_INFINITY))\n"
        "log.record('search', Who('anna'))"
    )
    done = subprocess.run([sys.executable, "-c", code, str(log.folder)], capture_output=True, text=True, timeout=30)
    assert "cannot be written: File too large" in done.stderr
    assert log.verify().problems == []
    assert len(list(log.entries())) == 6


def test_a_folder_that_cannot_be_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SetupError, match="no audit log in"):
        AuditLog(tmp_path / "file" / "audit").record("search", ANNA)


@pytest.mark.slow
def test_many_processes_lose_no_entry(log: AuditLog) -> None:
    code = (
        "import sys; from pathlib import Path; from flowalpr.storage.audit import AuditLog, Who\n"
        "log = AuditLog(Path(sys.argv[1]))\n"
        "for number in range(10): log.record('search', Who(sys.argv[2]), plate='KX1')"
    )
    started = [subprocess.Popen([sys.executable, "-c", code, str(log.folder), str(each)]) for each in range(3)]
    assert [each.wait(60) for each in started] == [0, 0, 0]
    verdict = log.verify()
    assert (verdict.entries, verdict.problems) == (30, [])


def test_entries_may_be_anything_that_people_write(log: AuditLog) -> None:
    odd = "x" * 500 + "\u2028\n\"';DROP TABLE--\ud800 🚗"
    log.record("search", Who(odd), plate=odd, why=odd)
    assert log.verify().problems == []
