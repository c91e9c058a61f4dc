"""Each plugin in contrib as a stranger would have it: built, installed in a fresh environment, tested, run."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from support.packages import Environment, build_wheel

CONTRIB = Path(__file__).parents[2] / "contrib"
PLUGINS = sorted(path.parent.name for path in CONTRIB.glob("*/pyproject.toml"))

pytestmark = pytest.mark.slow


@pytest.fixture
def with_plugin(request: pytest.FixtureRequest, installed: Environment, tmp_path: Path) -> Iterator[Environment]:
    """An environment with the plugin of that name, built from a copy without anything of ours around it."""
    project = shutil.copytree(CONTRIB / request.param, tmp_path / request.param)
    installed.install("--no-deps", build_wheel(project, tmp_path / "dist"))
    yield installed
    installed.uninstall(request.param)


@pytest.mark.parametrize("with_plugin", PLUGINS, indirect=True)
def test_its_own_tests_pass(with_plugin: Environment, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    name = request.node.callspec.params["with_plugin"]
    with_plugin.install("pytest")
    with_plugin.run("python", "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests", cwd=tmp_path / name)


@pytest.fixture
def picture(installed: Environment, tmp_path: Path) -> None:
    """A picture of one plate, AB 123, in the folder of the test."""
    code = "import cv2; from flowalpr.testing import plate_frame; cv2.imwrite('plate.png', plate_frame('AB 123').image)"
    installed.run("python", "-c", code, cwd=tmp_path)


def flow(folder: Path, last: str) -> Path:
    """A flow file that reads the picture and gives the reads to the nodes in `last`."""
    nodes = """flow: trial
nodes:
  pictures: {uses: images, with: {path: plate.png}}
  plates:   {uses: detect, from: pictures}
  text:     {uses: ocr, from: plates}
"""
    (folder / "trial.yaml").write_text(nodes + last)
    return folder / "trial.yaml"


@pytest.mark.usefixtures("picture")
@pytest.mark.parametrize("with_plugin", ["flowalpr-confident"], indirect=True)
def test_the_smallest_plugin_filters_in_a_flow(with_plugin: Environment, tmp_path: Path) -> None:
    last = """
  some: {uses: confident.confident, from: text, with: {at_least: 0.1}}
  none: {uses: confident.confident, from: text, with: {at_least: 1.0}}
  kept: {uses: lines, from: some, with: {path: some.jsonl}}
  not:  {uses: lines, from: none, with: {path: none.jsonl}}
"""
    with_plugin.run("flowalpr", "run", flow(tmp_path, last), cwd=tmp_path)
    reads = [json.loads(line) for line in (tmp_path / "some.jsonl").read_text().splitlines()]
    assert [read["text"] for read in reads] == ["AB123"]
    assert not (tmp_path / "none.jsonl").exists() or not (tmp_path / "none.jsonl").read_text()


@pytest.mark.parametrize("with_plugin", ["flowalpr-confident"], indirect=True)
def test_a_name_that_two_plugins_have_must_be_written_in_full(with_plugin: Environment, tmp_path: Path) -> None:
    path = flow(tmp_path, "  sure: {uses: confident, from: text}\n  show: {uses: console, from: sure}\n")
    with_plugin.run("flowalpr", "check", path, code=2)


class Room(ThreadingHTTPServer):
    """A chat room that keeps what is posted to it."""

    def __init__(self) -> None:
        self.posts: list[dict[str, str]] = []
        super().__init__(("127.0.0.1", 0), _Webhook)


class _Webhook(BaseHTTPRequestHandler):
    server: Room

    def do_POST(self) -> None:
        self.server.posts.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *args: object) -> None:
        """Say nothing."""


@pytest.mark.usefixtures("picture")
@pytest.mark.parametrize("with_plugin", ["flowalpr-chat"], indirect=True)
def test_a_chat_hears_of_the_plates_of_a_flow(with_plugin: Environment, tmp_path: Path) -> None:
    with Room() as room:
        thread = threading.Thread(target=room.serve_forever, args=(0.01,))
        thread.start()
        (tmp_path / "url").write_text(f"http://127.0.0.1:{room.server_port}/hooks/room")
        path = flow(tmp_path, "  tell: {uses: chat, from: text, with: {url: 'file:url', say: '{text} is here'}}\n")
        with_plugin.run("flowalpr", "run", path, cwd=tmp_path)
        room.shutdown()
        thread.join(5)
    assert room.posts == [{"text": "AB123 is here"}]


PAID = """
import json
from pathlib import Path
from flowalpr_parking_api.mock_server import MockServer, Provider
from flowalpr.cli.main import app
provider = Provider()
provider.paid.add("AB123")
server = MockServer(provider)
urls = (f"{node}.url={server.url}" for node in ("report", "payers"))
app(["run", "trial.yaml", *(part for url in urls for part in ("--set", url))], standalone_mode=False)
server.close()
Path("told.json").write_text(json.dumps([provider.requests, list(provider.sessions.values())]))
"""


@pytest.mark.usefixtures("picture")
@pytest.mark.parametrize("with_plugin", ["flowalpr-parking-api"], indirect=True)
def test_a_provider_hears_of_a_stay_and_lets_a_car_out_that_has_paid(with_plugin: Environment, tmp_path: Path) -> None:
    last = """
  stays:  {uses: sessions, from: text, with: {entry: [pictures]}}
  report: {uses: report_sessions, from: stays, with: {url: "http://set.by.the.test", queue: queue}}
  payers: {uses: paid, from: text, with: {url: "http://set.by.the.test"}}
  open:   {uses: lines, from: payers, with: {path: open.jsonl}}
"""
    flow(tmp_path, last)
    (tmp_path / "trial.py").write_text(PAID)
    with_plugin.run("python", "trial.py", cwd=tmp_path)
    requests, (session,) = json.loads((tmp_path / "told.json").read_text())
    assert sorted(method for method, _ in requests) == ["POST", "PUT"]
    assert (session["plate"], session["camera"], session["state"]) == ("AB123", "pictures", "open")
    assert [json.loads(line)["text"] for line in (tmp_path / "open.jsonl").read_text().splitlines()] == ["AB123"]


@pytest.mark.parametrize("with_plugin", ["flowalpr-parking-api"], indirect=True)
def test_the_flows_beside_it_are_sound(with_plugin: Environment, tmp_path: Path) -> None:
    for path in sorted((tmp_path / "flowalpr-parking-api").glob("*.yaml")):
        with_plugin.run("flowalpr", "check", path, cwd=tmp_path)
