"""Who comes in, with what, and what is kept out."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path

import httpx2
import pytest
from fastapi.routing import APIRoute, APIWebSocketRoute
from support.certificates import Authority
from support.flows import Find, Keep
from support.live import PLATE, LiveFrames, LiveReads
from support.served import Served, until
from websockets.asyncio.client import ClientConnection, connect, unix_connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from flowalpr.control.access import LARGEST_BODY
from flowalpr.control.app import ROUTERS
from flowalpr.control.client import AwayError, Client, DoorError, NotAllowedError
from flowalpr.control.server import Network
from flowalpr.control.tokens import Role, Token, Tokens
from flowalpr.errors import SetupError
from flowalpr.storage.audit import AuditLog

LEAST = {
    "GET /health": None,
    "GET /flow": Role.viewer,
    "GET /flows": Role.viewer,
    "GET /snapshot": Role.viewer,
    "GET /snapshot/stream": Role.viewer,
    "WS /snapshot/socket": Role.viewer,
    "GET /reads": Role.viewer,
    "GET /reads/stream": Role.viewer,
    "WS /reads/socket": Role.viewer,
    "GET /reads/{id}/crop": Role.operator,
    "POST /reads/{id}/correct": Role.operator,
    "POST /nodes/{name:path}/pause": Role.operator,
    "POST /nodes/{name:path}/resume": Role.operator,
    "POST /nodes/{name:path}/restart": Role.operator,
    "GET /nodes/{name:path}": Role.viewer,
    "GET /errors": Role.viewer,
    "GET /dead-letters": Role.operator,
    "GET /cameras/{name:path}/picture": Role.operator,
    "GET /logs": Role.viewer,
    "GET /logs/stream": Role.viewer,
    "POST /deploy": Role.admin,
    "GET /alerts": Role.viewer,
    "POST /alerts/{id}/acknowledge": Role.operator,
    "GET /watchlists": Role.viewer,
    "POST /watchlists/{name:path}/entries": Role.admin,
    "GET /metrics": Role.viewer,
    "GET /docs": Role.viewer,
    "GET /openapi.json": Role.viewer,
}
"""Every route, and the least role that it is for."""


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def remote(serve: Callable[..., Served], authority: Authority) -> Served:
    """A flow that other machines may look into."""
    certificate, key = authority.sign("gate")
    served = serve(
        ("gate", LiveFrames(), ""),
        ("plates", Find(), "gate"),
        ("cars", LiveReads(), ""),
        ("keep", Keep(), "plates cars"),
        network=Network("127.0.0.1", 0, certificate, key),
    )
    served.node("cars").send()
    until(lambda: served.flow.heard.reads())
    return served


def url(served: Served) -> str:
    return f"https://127.0.0.1:{served.door.port}"


def token(role: Role, good_for: timedelta | None = None) -> str:
    return Tokens().create(role.value, role, good_for)[1]


def routes() -> dict[str, str]:
    """Every route of the application, with a path that leads there."""
    found = {}
    for route in (route for router in ROUTERS for route in router.routes):
        if isinstance(route, (APIRoute, APIWebSocketRoute)):
            path = route.path.replace("{name:path}", "none").replace("{id}", "none")
            methods = sorted(route.methods) if isinstance(route, APIRoute) else ["WS"]
            found.update({f"{method} {route.path}": path for method in methods})
    return found


def test_every_route_answers_each_role_as_it_should_and_nobody_else(remote: Served, authority: Authority) -> None:
    paths = routes()
    assert paths.keys() == LEAST.keys()
    keys = {role: token(role) for role in Role}
    context = ssl.create_default_context(cafile=str(authority.ca))
    with httpx2.Client(base_url=url(remote), verify=context, timeout=10) as client:
        for name, path in paths.items():
            method = name.split(" ")[0]
            if method == "WS" or name.endswith("/stream"):
                continue
            for role in (None, *Role):
                headers = {"Authorization": f"Bearer {keys[role]}"} if role else {}
                status = client.request(method, path, headers=headers).status_code
                least = LEAST[name]
                if least is None:
                    assert status == 200, name
                elif role is None:
                    assert status == 401, name
                else:
                    assert (status == 403) == (not role.may(least)), (name, role, status)
                    assert status != 401, name
                    assert status != 500, name


def test_streams_and_sockets_let_nobody_in_without_a_token(remote: Served, authority: Authority, ask: Callable) -> None:
    context = ssl.create_default_context(cafile=str(authority.ca))

    async def knock() -> None:
        for path in ("/snapshot/socket", "/reads/socket"):
            address = f"wss://127.0.0.1:{remote.door.port}{path}"
            with pytest.raises(InvalidStatus):
                await connect(address, ssl=context)
            headers = {"Authorization": f"Bearer {token(Role.viewer)}"}
            async with connect(address, ssl=context, additional_headers=headers) as opened:
                while path == "/reads/socket" and not remote.node("cars").send():
                    try:
                        message = await asyncio.wait_for(opened.recv(), 0.2)
                        break
                    except TimeoutError:
                        continue
                else:
                    message = await opened.recv()
                assert PLATE not in message
        async with Client(url(remote), "flowalpr_0_0", authority=authority.ca) as client:
            for stream in (client.snapshots(), client.read_stream(), client.logs(follow=True)):
                with pytest.raises(NotAllowedError):
                    await anext(stream)

    ask(knock())


def test_a_viewer_sees_no_plate_anywhere(remote: Served, authority: Authority, ask: Callable) -> None:
    paths = routes()
    headers = {"Authorization": f"Bearer {token(Role.viewer)}"}
    context = ssl.create_default_context(cafile=str(authority.ca))
    with httpx2.Client(base_url=url(remote), verify=context, timeout=10, headers=headers) as client:
        for name, path in paths.items():
            if name.startswith("GET") and not name.endswith("/stream"):
                assert PLATE not in client.get(path).text, name
        (read,) = client.get("/reads").json()
        assert (read["text"], read["readings"]) == ("KX•••••", [])
        assert client.get("/reads", params={"text": PLATE}).status_code == 403
    operator = {"Authorization": f"Bearer {token(Role.operator)}"}
    with httpx2.Client(base_url=url(remote), verify=context, timeout=10, headers=operator) as client:
        assert client.get("/reads").json()[0]["text"] == PLATE
    (entry,) = AuditLog().entries()
    assert (entry.action, entry.who.role, entry.who.origin) == ("watch", "operator", "127.0.0.1")
    assert entry.who.user.startswith("operator (token ")


@pytest.mark.parametrize(
    "forge",
    [
        lambda good: good[:-1] + ("A" if good[-1] != "A" else "B"),
        lambda good: good.replace("flowalpr_", "other_"),
        lambda good: "_".join([*good.split("_", 2)[:2], ""]),
        lambda good: "flowalpr_00000000_" + good.split("_", 2)[2],
        lambda good: f"{good} {good}",
        lambda good: "",
        lambda good: "\u00e9",
    ],
    ids=["other secret", "other prefix", "no secret", "other id", "twice", "empty", "not ascii"],
)
def test_a_forged_token_opens_nothing(forge: Callable[[str], str]) -> None:
    good = token(Role.admin)
    assert Tokens().find(good) is not None
    assert Tokens().find(forge(good)) is None


def test_a_token_that_expires_or_is_revoked_opens_nothing_and_ends_its_streams(
    remote: Served, authority: Authority, ask: Callable
) -> None:
    expired = token(Role.admin, timedelta(microseconds=1))
    made, good = Tokens().create("guest", Role.viewer, timedelta(hours=1))

    async def look() -> None:
        async with Client(url(remote), expired, authority=authority.ca) as client:
            with pytest.raises(NotAllowedError, match="a token is needed"):
                await client.snapshot()
        async with Client(url(remote), good, authority=authority.ca) as client:
            stream = client.snapshots()
            await anext(stream)
            assert Tokens().revoke(made.id) is not None
            with pytest.raises(AwayError):
                async for _ in stream:
                    pass
            with pytest.raises(NotAllowedError):
                await client.snapshot()

    ask(look())


def test_tokens_are_stored_hashed_for_their_owner_alone(tmp_path: Path) -> None:
    tokens = Tokens(tmp_path / "control" / "tokens.json")
    made, secret = tokens.create("Ann", Role.operator, timedelta(days=1))
    assert secret.split("_", 2)[2] not in tokens.path.read_text()
    assert tokens.path.stat().st_mode & 0o077 == 0
    assert tokens.find(secret) == made
    assert not Token.is_valid(made, datetime.now(timezone.utc) + timedelta(days=2))
    tokens.path.chmod(0o644)
    with pytest.raises(SetupError, match="may be read by others"):
        tokens.find(secret)
    tokens.path.chmod(0o600)
    tokens.path.write_text("[{}]")
    with pytest.raises(SetupError, match="cannot be read"):
        Tokens(tokens.path).all()


def test_a_certificate_of_somebody_else_is_not_trusted(remote: Served, tmp_path: Path, ask: Callable) -> None:
    stranger = Authority(tmp_path, "stranger")

    async def look() -> None:
        for authority in (stranger.ca, None):
            async with Client(url(remote), token(Role.viewer), authority=authority) as client:
                with pytest.raises(AwayError, match="give the authority that signed its certificate"):
                    await client.snapshot()

    ask(look())


def test_nothing_is_said_in_the_clear(remote: Served) -> None:
    with socket.create_connection(("127.0.0.1", remote.door.port), timeout=10) as plain:
        plain.sendall(b"GET /health HTTP/1.1\r\nHost: gate\r\n\r\n")
        assert not plain.recv(1000).startswith(b"HTTP")


def test_a_certificate_that_cannot_be_used_is_an_error_at_the_start(tmp_path: Path, serve: Callable) -> None:
    (tmp_path / "bad.pem").write_text("nothing")
    network = Network("127.0.0.1", 0, tmp_path / "bad.pem", tmp_path / "bad.pem")
    with pytest.raises(SetupError, match="cannot be used"):
        serve(("gate", LiveFrames(), ""), ("keep", Keep(), "gate"), network=network)


def raw(served: Served, request: bytes) -> bytes:
    """What the door answers to these bytes."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(15)
        connection.connect(str(served.socket))
        connection.sendall(request)
        answer = b""
        while part := connection.recv(65536):
            answer += part
    return answer


@pytest.mark.parametrize(
    "path",
    [
        "/../../etc/passwd",
        "/nodes/../../etc/passwd",
        "/nodes/%2e%2e%2f%2e%2e%2fetc/passwd",
        "/cameras/..%2f..%2fx/picture",
        "//etc/passwd",
        "/nodes/%00",
        "/reads/..%2f..%2fplates.db/crop",
        "/static/../tokens.json",
    ],
)
def test_paths_lead_to_no_file(path: str, served: Served) -> None:
    answer = raw(served, f"GET {path} HTTP/1.1\r\nHost: flow\r\nConnection: close\r\n\r\n".encode())
    assert answer.split(b" ")[1] in (b"404", b"422")
    assert b"root:" not in answer


def test_bodies_and_heads_that_are_too_large_are_refused(served: Served) -> None:
    head = b"POST /deploy HTTP/1.1\r\nHost: flow\r\nContent-Type: application/json\r\n"
    stated = raw(served, head + b"Content-Length: %d\r\n\r\n" % (LARGEST_BODY + 1))
    assert stated.startswith(b"HTTP/1.1 413")
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    sent = raw(served, head + b"Transfer-Encoding: chunked\r\n\r\n" + chunk * (LARGEST_BODY // 0x10000 + 1))
    assert sent.startswith(b"HTTP/1.1 413")
    assert raw(served, b"GET /health HTTP/1.1\r\nX: " + b"x" * 70_000).startswith(b"HTTP/1.1 400")


def test_a_client_that_stops_reading_is_dropped_and_others_go_on(served: Served, ask: Callable) -> None:
    from flowalpr.control import streams

    lazy = socket.socket(socket.AF_UNIX)
    lazy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    lazy.connect(str(served.socket))
    lazy.sendall(b"GET /reads/stream HTTP/1.1\r\nHost: flow\r\n\r\n")
    until(lambda: b"200" in lazy.recv(20))

    async def go_on() -> None:
        async with served.client() as client:
            stream = client.read_stream()
            before = served.runner.snapshot().node("cars").given
            first = asyncio.ensure_future(anext(stream))
            while not first.done():  # Only what is given after the door has let the client in comes to it.
                served.node("cars").send(1)
                await asyncio.wait({first}, timeout=0.1)
            for _ in range(30):
                served.node("cars").send(100)
                for _ in range(100):
                    await anext(stream)
            await stream.aclose()
            assert served.runner.snapshot().node("cars").given - before > 2000

    asyncio.run(asyncio.wait_for(go_on(), 60))
    assert streams.BUFFER == 256
    lazy.settimeout(30)
    try:
        while lazy.recv(65536):
            pass
    except ConnectionResetError:
        pass
    lazy.close()


def test_a_websocket_on_the_user_s_socket_brings_snapshots(served: Served, ask: Callable) -> None:
    async def look() -> None:
        async with unix_connect(str(served.socket), "ws://flow/snapshot/socket") as opened:
            assert json.loads(await opened.recv())["flow"] == "test"
            await opened.send("x" * 2000)  # Nobody has anything to say there.
            with pytest.raises(ConnectionClosed, match="1009"):
                await _until_closed(opened)

    ask(look())


async def _until_closed(opened: ClientConnection) -> None:
    while True:
        await opened.recv()


def test_an_unknown_name_is_told_without_a_traceback(served: Served, ask: Callable) -> None:
    async def look() -> None:
        async with served.client() as client:
            with pytest.raises(DoorError, match="the flow has no node of that name; it has gate, plates, cars, keep"):
                await client.node("nothing/at all")

    ask(look())
