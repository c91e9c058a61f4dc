"""A camera as a source of frames: in the network, at this machine, or a video file in its place."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import ConfigDict, Field, PrivateAttr, model_validator

from flowalpr import Duration, Fault, Frame, Node, Secret, Stamp, now
from flowalpr_builtin.sources.address import Address

if TYPE_CHECKING:
    from flowalpr_builtin.sources.capture import Taken
    from flowalpr_builtin.sources.decoding import Picture, Recording
    from flowalpr_builtin.sources.freeze import Freeze
    from flowalpr_builtin.sources.network import NetworkCamera
    from flowalpr_builtin.sources.trouble import Door


class Camera(Node):
    """Give the pictures of a camera as they come, each with the time at which it was taken.

    A camera that cannot be reached or falls silent is an error, after which the flow tries it again and again, at once
    when it answers again. Give `url`; or `main` and `sub`, two streams of one camera: plates are then sought in the
    small pictures of `sub` and cut out of the large ones of `main`. Password and user in a URL are never shown; better
    still, keep them out of the flow file with `user` and `password`. docs/cameras.md tells more.
    """

    model_config = ConfigDict(hide_input_in_errors=True)

    url: Address | None = None
    """`rtsp://` or `http://` (MJPEG) of a network camera, the number of a camera at this machine (`0`,
    `/dev/video0`), a GStreamer pipeline (`... ! videoconvert ! appsink`, if this machine's OpenCV has GStreamer), or a
    video file, which is read from end to end as by the node `video`."""
    main: Address | None = None
    """In place of `url`, with `sub`: the URL of the stream with the large pictures, out of which plates are cut."""
    sub: Address | None = None
    """The URL of the small pictures, in which plates are sought; boxes and zones count in their pixels."""
    tolerance: Annotated[Duration, Field(gt=timedelta(0))] = timedelta(milliseconds=60)
    """How far apart in time a small picture and the large one may be; if there is none, plates are cut out of `sub`."""
    user: str = ""
    """The camera's user, if the URL does not say it."""
    password: Secret | None = None
    """Where the password of `user` is found: `env:GATE_PASSWORD` or `file:PATH`."""
    transport: Literal["tcp", "udp"] = "tcp"
    """How RTSP brings the pictures; with UDP, lost packets spoil some of them."""
    stall: Annotated[Duration, Field(gt=timedelta(0))] = timedelta(seconds=5)
    """For how long there may be no new picture before the connection counts as failed."""
    frozen: Duration = timedelta(seconds=60)
    """For how long all pixels may stay the same before it counts as failed; `0 s`: for ever."""
    decoder: Literal["auto", "software", "cuda", "vaapi", "qsv", "drm"] = "auto"
    """What decodes video of the network: `auto` takes `cuda` or `vaapi` if this computer has it; without it, software
    does, and the log says so."""
    clock: Literal["own", "camera"] = "own"
    """Whose clock says when a picture was taken: this computer's, or the camera's (RTSP alone) where that is right."""
    _recording: Recording | None = None
    _number: int = 0
    _latest: datetime = PrivateAttr(datetime.min.replace(tzinfo=timezone.utc))
    _freeze: Freeze | None = None
    _network: NetworkCamera | None = None
    _door: Door | None = None

    @model_validator(mode="after")
    def _is_one_camera(self) -> Camera:
        if (self.url is None) == (self.main is None or self.sub is None):
            raise ValueError("give `url`, or `main` and `sub`")
        if self.url and (self.main or self.sub):
            raise ValueError("give either `url`, or `main` and `sub`")
        if self.main and self.sub and not (self.main.is_network and self.sub.is_network):
            raise ValueError("`main` and `sub` are URLs of a camera in the network")
        if self.password and not self.user:
            raise ValueError("`password` needs a `user`")
        if self.user and not self.address.is_network:
            raise ValueError("`user` is for cameras in the network")
        return self

    @property
    def address(self) -> Address:
        """Where the frames come from."""
        address = self.url or self.sub
        assert address is not None  # noqa: S101  # The check of the settings has seen to it.
        return address

    def is_live(self) -> bool:
        return self.address.is_live

    def is_back(self) -> bool:
        return self._door is not None and self._door.opens()

    def state(self) -> str:
        limit, same = self.frozen.total_seconds(), self._freeze.seconds() if self._freeze else 0.0
        if limit and same > limit / 2:
            return f"stalled {same:.0f} s"
        away = self._network.main_away if self._network else ""
        return f"live, without the main stream: {away}" if away else ""

    def open(self) -> None:
        from flowalpr_builtin.sources.freeze import Freeze

        self._freeze = Freeze()
        # A live camera is reached in `process` only: one that is switched off must not keep the flow from starting.
        if self.password:
            self.password.reveal()  # A missing one is known at once.
        if self.address.is_network:
            from flowalpr_builtin.sources.trouble import Door

            self._door = self._door or Door(self.address.reveal())
        elif self.address.is_pipeline:
            from flowalpr_builtin.sources.device import check_gstreamer

            check_gstreamer()
        elif not self.address.is_live:
            from flowalpr_builtin.sources.decoding import Recording

            self._recording = Recording(Path(self.address.reveal()).expanduser())

    def process(self) -> Iterator[Frame | Fault]:
        if self._recording:
            yield from self._recording.frames(self.name, self._recording.begun)
            return
        for image, time, full in self._network_pictures() if self.address.is_network else self._local_pictures():
            self._check_freeze(image)
            self._latest = max(time, self._latest + timedelta(microseconds=1))
            stamp = Stamp(self.name, self._latest, self._number)
            self._number += 1  # It goes on after a reconnection, so that no two frames have one number.
            yield Frame(image, stamp, full=full)

    def close(self) -> None:
        if self._recording:
            self._recording.close()
            self._recording = None

    def _network_pictures(self) -> Iterator[Taken]:
        from flowalpr_builtin.sources.network import NetworkCamera

        assert self._door is not None  # noqa: S101  # `open` made it.
        self._network = NetworkCamera(self, self.user, self.password.reveal() if self.password else "")
        return self._network.pictures(self._door)

    def _local_pictures(self) -> Iterator[Taken]:
        from flowalpr_builtin.sources.capture import Taken
        from flowalpr_builtin.sources.device import pictures

        for image in pictures(self.address, self.stall.total_seconds(), lambda: self.wait(0)):
            yield Taken(image, now())

    def _check_freeze(self, image: Picture) -> None:
        assert self._freeze is not None  # noqa: S101  # `open` made it.
        self._freeze.see(image)
        limit = self.frozen.total_seconds()
        if limit and self._freeze.seconds() >= limit:
            raise ConnectionError(
                f"{self.address} has shown the very same picture for {limit:g} s: its encoder may hang. "
                "If nothing ever moves there, set `frozen: 0 s`"
            )
