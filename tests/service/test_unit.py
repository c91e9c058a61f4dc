"""Units as systemd judges them, and what a flow's settings make of them."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from flowalpr.flow.load import load_flow
from flowalpr.plugins import Catalogue, load_plugins
from flowalpr.service.needs import Needs, needs_of
from flowalpr.service.unit import Service, quoted, unit_name

CONTRIB = Path(__file__).parents[2] / "contrib" / "systemd"
ANALYZE = shutil.which("systemd-analyze")
needs_systemd = pytest.mark.skipif(ANALYZE is None, reason="no systemd-analyze here; Debian: apt-get install systemd")


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load_plugins()


@pytest.fixture
def needs(tmp_path: Path, catalogue: Catalogue) -> Callable[[str], Needs]:
    """What the flow needs that has these nodes."""

    def of(nodes: str) -> Needs:
        path = tmp_path / "gate.yaml"
        path.write_text(f"flow: gate\nnodes:\n{nodes}")
        return needs_of(load_flow(path, catalogue))

    return of


def service(needs: Needs, program: str = "/opt/flowalpr/bin/flowalpr", *, of_user: bool = False) -> Service:
    command = (program, "run", "/etc/flowalpr/parking.yaml", "--summary", "none")
    return Service(flow="parking", command=command, needs=needs, of_user=of_user)


EVERYTHING = """
  gate: {uses: camera, with: {url: 0}}
  file: {uses: lines, from: gate, with: {path: /srv/plates/reads.jsonl}}
  tell: {uses: webhook, from: gate, with: {url: "https://example.org/reads", token: "credential:webhook"}}
  post: {uses: webhook, from: gate, with: {url: "https://example.org/reads", secret: "env:SIGNING"}}
"""


def test_the_unit_in_contrib_is_what_install_writes(golden: Callable[[Path, str], None]) -> None:
    golden(CONTRIB / "flowalpr-parking.service", service(Needs(is_live=True)).text())


def test_a_flow_tells_devices_secrets_and_files_by_its_settings(needs: Callable[[str], Needs], tmp_path: Path) -> None:
    found = needs(EVERYTHING)
    assert found.is_live
    assert found.devices == ("/dev/video0",)
    assert not found.accelerator
    assert (found.secrets_of("credential"), found.secrets_of("env")) == (("webhook",), ("SIGNING",))
    assert found.files == (tmp_path / "gate.yaml",)
    assert [(each.setting, str(each.path), each.written) for each in found.paths] == [
        ("file.path", "/srv/plates/reads.jsonl", True)
    ]


def test_what_a_flow_needs_is_let_through_and_nothing_else(needs: Callable[[str], Needs]) -> None:
    lines = service(needs(EVERYTHING)).text().splitlines()
    assert "DeviceAllow=char-video4linux rw" in lines
    assert "DevicePolicy=closed" in lines
    assert "LoadCredential=webhook:/etc/credstore/webhook" in lines
    assert "ReadWritePaths=-/srv/plates" in lines
    assert "SupplementaryGroups=video" in lines
    assert "Restart=always" in lines
    closed = service(needs("  tape: {uses: video, with: {path: /srv/a.mp4}}\n")).text().splitlines()
    assert "PrivateDevices=yes" in closed
    assert "Restart=on-failure" in closed  # A recording ends, and is not read again for ever.


def test_a_network_on_a_gpu_gets_the_device_files_of_the_gpu() -> None:
    lines = service(Needs(accelerator=True)).text().splitlines()
    assert not [line for line in lines if line.startswith(("PrivateDevices", "DevicePolicy"))]


def test_a_program_in_a_home_folder_is_seen_but_not_written() -> None:
    assert "ProtectHome=read-only" in service(Needs(), "/home/ann/.venv/bin/flowalpr").text().splitlines()


@needs_systemd
@pytest.mark.parametrize("of_user", [False, True], ids=["machine", "user"])
def test_systemd_finds_nothing_wrong_with_a_unit(needs: Callable[[str], Needs], tmp_path: Path, of_user: bool) -> None:
    unit = service(needs(EVERYTHING), sys.executable, of_user=of_user)
    (tmp_path / unit.unit).write_text(unit.text())
    command = [str(ANALYZE), "verify", "--man=no", str(tmp_path / unit.unit)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert [line for line in done.stderr.splitlines() if unit.unit in line] == []


@needs_systemd
def test_systemd_calls_the_exposure_of_a_service_ok(needs: Callable[[str], Needs], tmp_path: Path) -> None:
    unit = service(needs(EVERYTHING))
    (tmp_path / unit.unit).write_text(unit.text())
    command = [str(ANALYZE), "security", "--offline=true", "--no-pager", str(tmp_path / unit.unit)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    if "offline" in done.stderr:
        pytest.skip("this systemd judges running services alone")
    found = re.search(r"exposure level for \S+: ([\d.]+)", done.stdout)
    assert found, done.stdout + done.stderr
    assert float(found[1]) <= 2.0


@pytest.mark.parametrize(
    ("word", "written"),
    [
        ("plain", "plain"),
        ("two words", '"two words"'),
        ("100%", "100%%"),
        ("a$b", "a$$b"),
        ('a"b', '"a\\"b"'),
        ("", '""'),
    ],
)
def test_words_of_a_command_reach_the_flow_as_they_were_meant(word: str, written: str) -> None:
    assert quoted(word) == written


@pytest.mark.parametrize(("flow", "unit"), [("parking", "parking"), ("Tor 1/Süd", "Tor-1-S-d"), ("../x", "x")])
def test_a_flow_of_any_name_has_a_unit(flow: str, unit: str) -> None:
    assert unit_name(flow) == f"flowalpr-{unit}.service"
