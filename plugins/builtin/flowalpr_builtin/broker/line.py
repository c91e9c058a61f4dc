"""A connection to an MQTT broker, run by one thread of ours.

On paho-mqtt itself and not on aiomqtt, which is built on it: aiomqtt keeps to itself whether the broker remembers the
session and whether it refused a message, and without these nothing can be promised about QoS 2 or about loss.
"""

from __future__ import annotations

import os
import selectors
import socket
import ssl
from contextlib import suppress
from pathlib import Path
from time import monotonic
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from flowalpr import SetupError

KEEP_ALIVE = 20
"""Seconds between signs of life; a broker that is silent for two of these is gone."""
CONNECT_SECONDS = 10.0
"""For the connection, and again for the broker's answer."""
SESSION_SECONDS = 86_400
"""For how long the broker shall remember what it got of us with QoS 2 while we are away."""
REFUSALS = {
    "Bad user name or password": "refuses the user or the password: check both",
    "Not authorized": "does not let this user in: check `user` and `password`, and the broker's access rules",
    "Unsupported protocol version": "does not speak this version of MQTT: set `version`",
    "Client identifier not valid": "does not accept the client identifier: set `client`",
    "Session taken over": "let another client in with the same identifier: set `client` to one of its own",
}


BROKEN_OFF = "broke off the connection: is it restarting?"
NO_ANSWER = "broke off before it answered: check `port` and `tls`, and whether it wants a `certificate`"


class LineError(ConnectionError):
    """The broker cannot be reached or broke off; the words follow its name."""


class Line:
    """One client; connects as often as it is told to."""

    def __init__(self, host: str, port: int, client: str, version: str, *, clean: bool = True) -> None:
        """`clean` is False where the broker shall remember us from one connection to the next."""
        self.acknowledged: list[tuple[int, str]] = []
        """Packet ids that the broker has confirmed, each with its refusal or nothing; for the user to clear."""
        self.messages: list[paho.MQTTMessage] = []
        """What the broker has sent; for the user to clear."""
        self.is_remembered = False
        """Whether the broker knows of the last connection, so that what it did not confirm was sent again."""
        self.most_in_flight = 0xFFFF
        """How many messages the broker takes before it has confirmed the first."""
        self.most_bytes = 0
        """How large a message the broker may send; 0 for no limit. Only MQTT 5 can tell the broker."""
        self._is_five = version == "5"
        self._clean = clean
        self._answer: ReasonCode | None = None
        self._granted: ReasonCode | None = None
        self._farewell = ""
        self._at = (host, port)
        protocol = MQTTProtocolVersion.MQTTv5 if self._is_five else MQTTProtocolVersion.MQTTv311
        session = None if self._is_five else clean
        self.paho = paho.Client(CallbackAPIVersion.VERSION2, client, session, protocol=protocol)
        self.paho.connect_timeout = CONNECT_SECONDS
        self.paho.on_connect = self._on_connect
        self.paho.on_disconnect = self._on_disconnect
        self.paho.on_publish = self._on_publish
        self.paho.on_subscribe = self._on_subscribe
        self.paho.on_message = lambda _client, _data, message: self.messages.append(message)
        self._has_met = False
        self._woken, self._waker = socket.socketpair()
        for end in (self._woken, self._waker):
            end.setblocking(False)

    def connect(self) -> None:
        """Connect, and wait for the broker's answer.

        Raises:
            LineError: it did not come to that.
        """
        self._answer, self._farewell = None, ""
        try:
            if self._has_met:
                self.paho.reconnect()
            else:
                self._connect_first()
        except (OSError, ValueError) as error:
            raise LineError(explained(error)) from error
        answer = self._answered()
        if answer.is_failure:
            raise LineError(_refusal(answer))

    def turn(self, seconds: float) -> None:
        """Read and write what there is to, for at most so long; ends early when something came or `wake` was called.

        Raises:
            LineError: the connection is lost.
        """
        try:
            self._look(seconds)
        except OSError as error:  # Of TLS; all others are paho's to handle.
            raise LineError(explained(error)) from error
        # A broker that refuses us closes the connection too, but then its answer says more.
        if self.paho.socket() is None and not (self._answer and self._answer.is_failure):
            raise LineError(self._farewell or (BROKEN_OFF if self._answer else NO_ANSWER))

    def subscribe(self, topic: str) -> None:
        """Let the broker send what is published there, and wait until it says so.

        Raises:
            LineError: it does not.
        """
        self._granted = None
        self.paho.subscribe(topic, qos=1)
        until = monotonic() + CONNECT_SECONDS
        while self._granted is None:
            if monotonic() > until:
                raise LineError(f"does not answer within {CONNECT_SECONDS:g} s")
            self.turn(0.5)
        if self._granted.is_failure:
            raise LineError(f"does not let this user subscribe ({self._granted}): check its access rules")

    def wake(self) -> None:
        """Make a `turn` of another thread end."""
        with suppress(OSError):  # It is woken already, a thousand times, or closed.
            self._waker.send(b".")

    def close(self) -> None:
        """Take leave of the broker, so that it does not publish the last will, and let go of all."""
        if self.paho.socket() is not None:
            self.paho.disconnect()
        line: Any = self.paho.socket()  # Any: paho's own kinds of sockets
        if line is not None:  # What it had to say could not be written.
            line.close()
        for end in (self._woken, self._waker):
            end.close()

    def _connect_first(self) -> None:
        properties = None
        if self._is_five:
            properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # paho gives no types here
            properties.SessionExpiryInterval = 0 if self._clean else SESSION_SECONDS
            if self.most_bytes:
                properties.MaximumPacketSize = self.most_bytes + 70_000  # With the longest topic there can be.
        clean_start = self._clean if self._is_five else paho.MQTT_CLEAN_START_FIRST_ONLY  # paho wants this for 3.1.1.
        host, port = self._at
        self.paho.connect(host, port, KEEP_ALIVE, clean_start=clean_start, properties=properties)

    def _answered(self) -> ReasonCode:
        until = monotonic() + CONNECT_SECONDS
        while self._answer is None:
            if monotonic() > until:
                raise LineError(f"does not answer within {CONNECT_SECONDS:g} s: is it an MQTT broker?")
            self.turn(0.5)
        return self._answer

    def _look(self, seconds: float) -> None:
        line: Any = self.paho.socket()  # Any: paho's own kinds of sockets
        if line is None:
            return
        wants = selectors.EVENT_READ | (selectors.EVENT_WRITE if self.paho.want_write() else 0)
        with selectors.DefaultSelector() as selector:
            selector.register(line, wants)
            selector.register(self._woken, selectors.EVENT_READ)
            ready = {key.fileobj: events for key, events in selector.select(seconds)}
        if self._woken in ready:
            self._woken.recv(4096)
        if ready.get(line, 0) & selectors.EVENT_READ:
            self.paho.loop_read()
            # TLS may hold whole packets that the system's socket no longer shows.
            while (now := self.paho.socket()) is not None and isinstance(now, ssl.SSLSocket) and now.pending():
                self.paho.loop_read()
        if ready.get(line, 0) & selectors.EVENT_WRITE:
            self.paho.loop_write()
        self.paho.loop_misc()

    def _on_connect(
        self, client: paho.Client, _: object, flags: paho.ConnectFlags, answer: ReasonCode, given: Any
    ) -> None:
        self._answer = answer
        if answer.is_failure:
            return
        self._has_met = True
        self.is_remembered = flags.session_present
        self.most_in_flight = getattr(given, "ReceiveMaximum", 0xFFFF)
        if not self.is_remembered:
            client.drop_out_messages()  # paho would send the rest of exchanges of which the broker knows nothing.

    def _on_disconnect(self, client: paho.Client, _: object, flags: object, reason: ReasonCode, given: object) -> None:
        self._farewell = _refusal(reason) if getattr(flags, "is_disconnect_packet_from_server", False) else ""

    def _on_subscribe(
        self, client: paho.Client, _: object, packet: int, answers: list[ReasonCode], given: object
    ) -> None:
        self._granted = answers[0]

    def _on_publish(self, client: paho.Client, _: object, packet: int, answer: ReasonCode, given: object) -> None:
        self.acknowledged.append((packet, str(answer) if answer.is_failure else ""))


def tls_context(ca: Path | None, certificate: Path | None, key: Path | None) -> ssl.SSLContext:
    """What is trusted and shown when a connection is encrypted.

    Raises:
        SetupError: a file cannot be read or holds something else.
    """
    named = [path.expanduser() for path in (ca, certificate, key) if path]
    for path in named:
        if not os.access(path, os.R_OK):
            raise SetupError(f"{path} is not there or cannot be read", f"ls -l {path}")
    try:
        context = ssl.create_default_context(cafile=ca.expanduser() if ca else None)
        if certificate and key:
            # Without a password: OpenSSL would ask for that of an encrypted key on the terminal, and wait.
            context.load_cert_chain(certificate.expanduser(), key.expanduser(), password="")
    except (ssl.SSLError, OSError, ValueError) as error:
        names = ", ".join(map(str, named))
        raise SetupError(
            f"no TLS with {names}: {error}", "give PEM files, a key without a password that fits its certificate"
        ) from error
    return context


def explained(error: Exception) -> str:
    """Why a connection failed and what to check, to be put after the other side's name."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"shows a certificate that is not to be trusted ({error.verify_message}): check `host` and `ca`"
    if isinstance(error, ssl.SSLError):
        return (
            f"and TLS do not come together ({error.reason}): check `port`, `tls`, and whether it wants a `certificate`"
        )
    if isinstance(error, socket.gaierror):
        return "has a name that is not known: check `host` and the network"
    if isinstance(error, ConnectionRefusedError):
        return "refuses the connection: check `host` and `port`, and that it is on"
    if isinstance(error, TimeoutError):
        return f"does not answer within {CONNECT_SECONDS:g} s: check `host` and `port`, and that it is on"
    return f"cannot be reached ({getattr(error, 'strerror', None) or type(error).__name__}): check the network"


def _refusal(answer: ReasonCode) -> str:
    name = str(answer)
    return REFUSALS.get(name, f"broke off the connection: {name}")
