"""Sends mails by SMTP from a thread of its own: few, gathered when there are many, and again until they are taken."""

from __future__ import annotations

import logging
import smtplib
import ssl
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from queue import SimpleQueue
from time import monotonic
from typing import Any, Literal

log = logging.getLogger(__name__)

MOST_WAITING = 1000
"""Messages that wait to be mailed; the oldest are dropped."""
MOST_LISTED = 100
"""Messages that one mail tells of; it says how many more there were."""
LONGEST_REST = 60.0
"""Seconds between two tries at most."""
LINGER = 5.0
"""Seconds that a flow's end waits for the last mail."""

Record = dict[str, Any]  # Any: the values that JSON has
Security = Literal["starttls", "tls", "none"]


@dataclass(frozen=True, slots=True)
class Account:
    """Where mails go and how; printed without the password."""

    host: str
    port: int
    security: Security
    user: str
    password: Callable[[], str] | None
    """Reveals it when it is needed, so that a changed one is used without a restart."""
    ca: str | None
    sender: str
    to: tuple[str, ...]
    timeout: float
    """Seconds that each step of the talk with the server may take."""

    def send(self, mail: EmailMessage) -> None:
        """Hand a mail to the server.

        Raises:
            OSError: it was not taken; smtplib's and ssl's errors are among these.
        """
        context = None if self.security == "none" else ssl.create_default_context(cafile=self.ca)
        if self.security == "tls":
            server: smtplib.SMTP = smtplib.SMTP_SSL(self.host, self.port, timeout=self.timeout, context=context)
        else:
            server = smtplib.SMTP(self.host, self.port, timeout=self.timeout)
        with server:
            if self.security == "starttls":
                server.starttls(context=context)  # Raises if the server has none: nothing is ever sent in the clear.
            if self.password is not None:
                server.login(self.user, self.password())
            server.send_message(mail, self.sender, self.to)


class Mailer:
    """A bounded queue and the thread that empties it."""

    def __init__(self, account: Account, name: str, at_most: int, per: timedelta) -> None:
        """At most so many mails leave in any stretch of time; what comes meanwhile is told together in the next."""
        self._account, self._name = account, name
        self._sent: deque[float] = deque(maxlen=at_most)
        self._per = per.total_seconds()
        self._waiting: deque[Record] = deque()
        self._dropped = 0
        self._changed = threading.Condition()
        self._stopping = False
        self.errors: SimpleQueue[str] = SimpleQueue()
        """What went wrong since, each thing once."""
        self._trouble = ""
        self._tries = 0
        self._thread = threading.Thread(target=self._run, name=f"mailer {name}", daemon=True)
        self._thread.start()

    def add(self, record: Record) -> None:
        """Take a message; never waits."""
        with self._changed:
            if len(self._waiting) == MOST_WAITING:
                self._waiting.popleft()
                if not self._dropped:
                    self.errors.put(f"{MOST_WAITING} messages wait to be mailed; the oldest are dropped")
                self._dropped += 1
            self._waiting.append(record)
            self._changed.notify()

    def finish(self) -> None:
        """Wait a moment for what still waits, if the server is there and the limit is not reached."""
        with self._changed:
            self._changed.wait_for(lambda: not self._waiting or self._trouble or self._rest_of_limit() > 0, LINGER)

    def close(self) -> None:
        """End the thread; what waits is lost, aloud."""
        with self._changed:
            self._stopping = True
            self._changed.notify()
        self._thread.join(LINGER)
        if self._waiting:
            log.warning("%s: %d messages were not mailed; the flow ended before", self._name, len(self._waiting))

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._stopping or self._waiting)
                self._changed.wait_for(lambda: self._stopping, self._rest_of_limit())
                if self._stopping:
                    return
                batch, dropped = tuple(self._waiting), self._dropped
            rest = self._try(batch, dropped)
            with self._changed:
                self._changed.notify_all()
                if rest:
                    self._changed.wait_for(lambda: self._stopping, rest)

    def _try(self, batch: Sequence[Record], dropped: int) -> float:
        """Send one mail that tells of all; seconds to rest before the next try if it was not taken."""
        try:
            self._account.send(mail_of(batch, dropped, self._account, self._name))
        except smtplib.SMTPAuthenticationError as error:
            return self._failed(f"refuses user or password: {_words(error)}")
        except (smtplib.SMTPRecipientsRefused, smtplib.SMTPSenderRefused, smtplib.SMTPDataError) as error:
            codes = (
                [code for code, _ in error.recipients.values()]
                if isinstance(error, smtplib.SMTPRecipientsRefused)
                else [error.smtp_code]
            )
            if min(codes) < 500:
                return self._failed(f"takes no mail now: {_words(error)}")
            self.errors.put(f"{self._where} refuses a mail for good: {_words(error)}")
        except smtplib.SMTPNotSupportedError:
            return self._failed(f"offers no {'STARTTLS' if self._account.security == 'starttls' else 'login'}")
        except Exception as error:  # Whatever it is: it must not end the thread in silence.
            return self._failed(f"cannot be reached: {_words(error)}")
        else:
            if self._trouble:
                log.warning("%s: %s takes mails again", self._name, self._where)
            self._sent.append(monotonic())
        self._trouble, self._tries = "", 0
        with self._changed:
            for record in batch:
                if self._waiting and self._waiting[0] is record:  # Else it was dropped meanwhile.
                    self._waiting.popleft()
            self._dropped -= dropped
        return 0.0

    def _failed(self, why: str) -> float:
        if why != self._trouble:
            self.errors.put(f"{self._where} {why}; it is tried again")
        self._trouble = why
        self._tries = min(self._tries + 1, 10)
        return float(min(2.0 ** (self._tries - 1), LONGEST_REST))

    @property
    def _where(self) -> str:
        return f"the mail server {self._account.host}:{self._account.port}"

    def _rest_of_limit(self) -> float:
        """Seconds until another mail may leave."""
        if len(self._sent) < (self._sent.maxlen or 0):
            return 0.0
        return max(0.0, self._sent[0] + self._per - monotonic())


def mail_of(batch: Sequence[Record], dropped: int, account: Account, name: str) -> EmailMessage:
    """The mail that tells of messages, given as their records; its subject names no plate."""
    mail = EmailMessage()
    mail["From"], mail["To"] = account.sender, ", ".join(account.to)
    mail["Date"] = formatdate(localtime=True)
    mail["Message-ID"] = make_msgid(domain="flowalpr.invalid")
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's holiday notice shall answer.
    if len(batch) == 1 and not dropped:
        mail["Subject"] = f"flowalpr {name}: {_title(batch[0])}"
        mail.set_content("\n".join(_lines(batch[0])) + "\n")
        return mail
    mail["Subject"] = f"flowalpr {name}: {len(batch) + dropped} messages"
    lines = [", ".join(_lines(record)) for record in batch[:MOST_LISTED]]
    more = len(batch) - len(lines) + dropped
    mail.set_content("\n\n".join(lines + ([f"and {more} more"] if more else [])) + "\n")
    return mail


def _title(record: Record) -> str:
    """What a message is, in a line without a plate."""
    parts = (record.get("severity"), record["type"], record.get("state"), "at", record.get("camera"))
    return _one_line(" ".join(str(part) for part in parts if part))


def _lines(record: Record) -> list[str]:
    """What a person wants to know of a message."""
    read = record.get("read")
    about: Record = {**(read if isinstance(read, dict) else {}), **record}
    first = [str(about[key]) for key in ("type", "severity", "state", "label") if about.get(key)]
    names = (
        "time",
        "camera",
        "file",
        "text",
        "country",
        "confidence",
        "entered",
        "left",
        "duration",
        "occupancy",
        "id",
    )
    said = [f"{'plate' if key == 'text' else key}: {about[key]}" for key in names if about.get(key) not in (None, "")]
    return [_one_line(line) for line in (": ".join(first), *said)]


def _one_line(text: str) -> str:
    """The text without line breaks and control characters, which could make headers of it."""
    plain = text.encode("utf-8", "backslashreplace").decode()
    return "".join(each if each.isprintable() else " " for each in plain)


def _words(error: Exception) -> str:
    """What a server or the system says, on one line."""
    return _one_line(" ".join(str(error).split()))[:300] or type(error).__name__
