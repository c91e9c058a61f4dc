"""The node `email` against a real SMTP server that refuses, is away and comes back."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from pydantic import ValidationError
from support.certificates import Authority

import flowalpr
from flowalpr import Fault, Listed, SetupError
from flowalpr.testing import NOON, feed, plate_read
from flowalpr_builtin.sinks.mail import Email
from flowalpr_builtin.sinks.mailer import MOST_WAITING


class Postbox:
    """Takes what the server takes, unless it is told how to answer."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.answer = "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if self.answer.startswith("250"):
            mail = message_from_bytes(envelope.original_content or b"", policy=policy.default)
            assert isinstance(mail, EmailMessage)
            self.mails.append(mail)
        return self.answer

    def texts(self) -> list[str]:
        return [mail.get_content() for mail in self.mails]


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


@contextmanager
def served(postbox: Postbox, port: int, **options: object) -> Iterator[None]:
    controller = Controller(postbox, hostname="127.0.0.1", port=port, **options)
    controller.start()
    try:
        yield
    finally:
        controller.stop()


def node(port: int, **settings: object) -> Email:
    basic = {
        "host": "127.0.0.1",
        "port": port,
        "security": "none",
        "sender": "gate@example.com",
        "to": ["guard@example.com"],
    }
    made = Email.model_validate({**basic, **settings})
    made.place("mail")
    return made


def soon(is_so: Callable[[], object]) -> bool:
    """Whether something becomes true; asked again and again, for the server is in another thread."""
    end = time.monotonic() + 10.0
    while not is_so():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


def alert(label: str = "stolen car", text: str = "AB123") -> flowalpr.Alert:
    read = replace(plate_read(text, camera="gate"), listed=(Listed("stolen", text, "alert", label),))
    return flowalpr.Alert("high", label, read)


def test_an_alert_is_mailed_with_its_plate_in_the_text_and_not_in_the_subject() -> None:
    postbox, port = Postbox(), free_port()
    with served(postbox, port):
        assert feed(node(port), alert()) == []
    (mail,) = postbox.mails
    assert mail["Subject"] == "flowalpr mail: high Alert at gate"
    assert (mail["From"], mail["To"], mail["Auto-Submitted"]) == (
        "gate@example.com",
        "guard@example.com",
        "auto-generated",
    )
    lines = mail.get_content().splitlines()
    assert lines[0] == "Alert: high: stolen car"
    assert {"plate: AB123", "camera: gate", f"time: {NOON.isoformat()}"} <= set(lines)


def test_a_hostile_label_makes_no_header_and_no_line() -> None:
    postbox, port = Postbox(), free_port()
    with served(postbox, port):
        feed(node(port), replace(alert("a\r\nBcc: all@example.com\r\n\r\n.\r\n"), severity="high\nBcc: x@y.z"))
    (mail,) = postbox.mails
    assert mail["Bcc"] is None
    assert mail.get_content().splitlines()[0].startswith("Alert: high Bcc: x@y.z: a  Bcc: all@example.com")


def test_many_messages_come_in_few_mails_and_none_is_lost() -> None:
    postbox, port = Postbox(), free_port()
    with served(postbox, port):
        made = node(port, at_most=2, per="300 ms")
        made.open()
        for number in range(300):
            made.process(alert(text=f"N{number:03}"))
        assert soon(lambda: sum(text.count("plate: ") for text in postbox.texts()) + _more(postbox) == 300)
        made.close()
    assert len(postbox.mails) <= 6


def _more(postbox: Postbox) -> int:
    return sum(
        int(line.split()[1]) for text in postbox.texts() for line in text.splitlines() if line.startswith("and ")
    )


def test_a_server_that_is_away_holds_nothing_up_and_gets_all_when_it_is_back() -> None:
    postbox, port = Postbox(), free_port()
    made = node(port)
    made.open()
    for number in range(MOST_WAITING + 5):
        made.process(alert(text=f"SECRET{number}"))
    errors: list[str] = []

    def told() -> bool:
        errors.extend(fault.error for fault in made.due(NOON) if isinstance(fault, Fault))
        return len(errors) >= 2

    assert soon(told)
    assert "SECRET" not in str(errors)
    assert any("cannot be reached" in error for error in errors)
    assert f"{MOST_WAITING} messages wait to be mailed; the oldest are dropped" in errors
    with served(postbox, port):
        assert soon(lambda: postbox.mails)
    made.close()
    assert postbox.mails[0]["Subject"] == f"flowalpr mail: {MOST_WAITING + 5} messages"
    assert "plate: SECRET5," in postbox.texts()[0]
    assert _more(postbox) == MOST_WAITING + 5 - 100


def test_a_mail_refused_for_good_is_told_and_the_next_one_follows() -> None:
    postbox, port = Postbox(), free_port()
    postbox.answer = "554 no such content"
    with served(postbox, port):
        made = node(port)
        made.open()
        made.process(alert(text="BAD1"))
        faults: list[Fault] = []

        def told() -> list[Fault]:
            faults.extend(made.due(NOON))
            return faults

        assert soon(told)
        assert "refuses a mail for good: (554, b'no such content')" in faults[0].error
        postbox.answer = "250 OK"
        made.process(alert(text="GOOD1"))
        assert soon(lambda: postbox.mails)
        made.close()
    assert "plate: GOOD1" in postbox.texts()[0]


def test_a_busy_server_is_asked_again() -> None:
    postbox, port = Postbox(), free_port()
    postbox.answer = "451 later"
    with served(postbox, port):
        made = node(port)
        made.open()
        made.process(alert())
        assert soon(lambda: any("takes no mail now" in fault.error for fault in made.due(NOON)))
        postbox.answer = "250 OK"
        assert soon(lambda: postbox.mails)
        made.close()


class Guard:
    """Knows one user."""

    def __call__(self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: object) -> AuthResult:
        right = isinstance(data, LoginPassword) and (data.login, data.password) == (b"gate", b"s3cret")
        return AuthResult(success=right, handled=False)


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")  # aiosmtpd sees STARTTLS only.
@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_password_goes_over_tls_of_our_own_authority_only(
    security: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = Authority(tmp_path)
    certificate, key = authority.sign("server")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    options: dict[str, object] = {"authenticator": Guard(), "auth_required": True}
    options |= (
        {"tls_context": context, "require_starttls": True} if security == "starttls" else {"ssl_context": context}
    )
    if security == "tls":
        options["auth_require_tls"] = False
    postbox, port = Postbox(), free_port()
    monkeypatch.setenv("MAIL", "s3cret")
    monkeypatch.setenv("WRONG", "wr0ng")
    settings = {"security": security, "user": "gate", "ca": str(authority.ca)}
    with served(postbox, port, **options):
        feed(node(port, **settings, password="env:MAIL"), alert())
        assert len(postbox.mails) == 1
        (wrong,) = feed(node(port, **settings, password="env:WRONG"), alert())
        (unknown,) = feed(node(port, **settings | {"ca": None}, password="env:MAIL"), alert())
    assert isinstance(wrong, Fault)
    assert isinstance(unknown, Fault)
    assert "refuses user or password" in wrong.error
    assert "wr0ng" not in wrong.error
    assert "certificate" in unknown.error
    assert len(postbox.mails) == 1


def test_a_server_without_starttls_gets_nothing() -> None:
    postbox, port = Postbox(), free_port()
    with served(postbox, port):
        (fault,) = feed(node(port, security="starttls"), alert())
    assert isinstance(fault, Fault)
    assert "offers no STARTTLS" in fault.error
    assert postbox.mails == []


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"to": ["nobody"]}, "no address such as"),
        ({"sender": "a@b.c\nBcc: x@y.z"}, "no address such as"),
        ({"to": []}, "at least 1 item"),
        ({"user": "gate"}, "belong together"),
        ({"user": "gate", "password": "env:MAIL"}, "not sent in the clear"),
        ({"password": "s3cret"}, "a secret is never written here"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(settings: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        node(25, **settings)


def test_a_missing_password_or_certificate_is_told_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="NO_SUCH_VARIABLE is not set"):
        node(25, user="gate", password="env:NO_SUCH_VARIABLE", security="tls").open()
    with pytest.raises(SetupError, match="is not there"):
        node(25, ca=str(tmp_path / "none.pem")).open()
