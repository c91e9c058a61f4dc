"""An RTSP camera for tests: GStreamer's server, run with the system's python3, since its bindings are no wheel.

`python3 rtsp_server.py [--file CLIP.mp4 | --loop FOLDER | --ticks] [--user NAME --password WORD] [--codec NAME]
[--fps N] [--port N]` prints `ready PORT` and serves `rtsp://127.0.0.1:PORT/main` until it is killed. Without a file it
shows GStreamer's test picture. `--loop` repeats H.264 access units, one a file: 00000.h264, 00001.h264 ... `--ticks`
shows the time in bars, at `/main` in large and 100 ms late, at `/sub` in small. On Debian: apt-get install
gir1.2-gst-rtsp-server-1.0 python3-gi gstreamer1.0-plugins-good gstreamer1.0-plugins-ugly.
"""

import argparse
import itertools
import pathlib
import time

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402 - the versions must be stated first

BARS = 12
"""Bits of the tick that are shown, the highest on the left."""
LOOP_PAY = "rtph264pay name=pay0 pt=96 config-interval=1"
SIZES = {"/main": (640, 360), "/sub": (160, 120)}


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--file")
    options.add_argument("--loop")
    options.add_argument("--ticks", action="store_true")
    options.add_argument("--user")
    options.add_argument("--password")
    options.add_argument("--codec", choices=["h264", "mjpeg", "l16"], default="h264")
    options.add_argument("--fps", type=int, default=10)
    options.add_argument("--port", default="0")
    given = options.parse_args()

    Gst.init(None)
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service(given.port)
    for path in SIZES if given.ticks else ["/main"]:
        factory = GstRtspServer.RTSPMediaFactory()
        factory.set_launch(tick_pipeline(path, given.fps) if given.ticks else pipeline(given))
        factory.set_shared(given.file is None)
        if given.ticks or given.loop:
            give = ticks(path, given.fps) if given.ticks else repeated(given.loop)
            factory.connect("media-configure", push_from, give, given.fps)
        if given.user:
            require_login(server, factory, given.user, given.password)
        server.get_mount_points().add_factory(path, factory)
    server.attach(None)
    print("ready", server.get_bound_port(), flush=True)
    GLib.MainLoop().run()


def pipeline(given: argparse.Namespace) -> str:
    if given.file:
        return f'( filesrc location="{given.file}" ! qtdemux ! rtph264pay name=pay0 pt=96 )'
    if given.loop:
        caps = f"video/x-h264,stream-format=byte-stream,alignment=au,framerate={given.fps}/1"
        return f'( appsrc name=source is-live=true do-timestamp=true format=time caps="{caps}" ! {LOOP_PAY} )'
    if given.codec == "l16":
        return "( audiotestsrc is-live=true ! rtpL16pay name=pay0 pt=96 )"
    picture = f"videotestsrc is-live=true ! video/x-raw,format=I420,width=320,height=240,framerate={given.fps}/1"
    if given.codec == "mjpeg":
        return f"( {picture} ! jpegenc ! rtpjpegpay name=pay0 pt=26 )"
    return f"( {picture} ! x264enc tune=zerolatency key-int-max=10 ! rtph264pay name=pay0 pt=96 )"


def tick_pipeline(path: str, fps: int) -> str:
    width, height = SIZES[path]
    caps = f"video/x-raw,format=GRAY8,width={width},height={height},framerate={fps}/1"
    late = "queue min-threshold-time=100000000 max-size-time=0 max-size-buffers=0 max-size-bytes=0 ! "
    return (
        f'( appsrc name=source is-live=true do-timestamp=true format=time caps="{caps}" ! videoconvert ! '
        "video/x-raw,format=I420 ! x264enc tune=zerolatency speed-preset=ultrafast key-int-max=10 ! "
        f"{late if path == '/main' else ''}rtph264pay name=pay0 pt=96 )"
    )


def ticks(path: str, fps: int):
    """The buffer to show now; both streams show the same number at the same moment, as a camera's sensor would."""
    width, height = SIZES[path]

    def picture():
        tick = int(time.time() * fps) % (1 << BARS)
        bits = (tick >> (BARS - 1 - x * BARS // width) & 1 for x in range(width))
        return b"".join(b"\xe0" if bit else b"\x20" for bit in bits) * height

    return picture


def repeated(folder: str):
    """The access units of a folder, again and again."""
    units = [path.read_bytes() for path in sorted(pathlib.Path(folder).glob("*.h264"))]
    return itertools.cycle(units).__next__


def push_from(factory, media, give, fps: int) -> None:
    """Push what `give` gives, once each interval of the clock."""
    source = media.get_element().get_by_name_recurse_up("source")
    ended = []
    media.connect("unprepared", ended.append)
    media.connect("prepared", tell_capture_times)

    def push() -> bool:
        if source.get_state(0)[1] == Gst.State.PLAYING:  # Before, there is no clock to take the time of a picture from.
            source.emit("push-buffer", Gst.Buffer.new_wrapped(give()))
        if not ended:
            GLib.timeout_add(round(1000 * (1 / fps - time.time() % (1 / fps))) + 2, push)
        return False

    push()


def tell_capture_times(media) -> None:
    """Let RTCP tell when pictures were taken, as cameras do; by itself GStreamer tells when they were sent."""
    pipeline = media.get_element().get_parent()
    for element in pipeline.children:
        if element.get_factory().get_name() == "rtpbin":
            element.set_property("rtcp-sync-send-time", False)


def require_login(server, factory, user: str, password: str) -> None:
    auth = GstRtspServer.RTSPAuth()
    token = GstRtspServer.RTSPToken()
    token.set_string(GstRtspServer.RTSP_TOKEN_MEDIA_FACTORY_ROLE, "viewer")
    auth.add_basic(GstRtspServer.RTSPAuth.make_basic(user, password), token)
    server.set_auth(auth)
    permissions = GstRtspServer.RTSPPermissions()
    permissions.add_permission_for_role("viewer", GstRtspServer.RTSP_PERM_MEDIA_FACTORY_ACCESS, True)
    permissions.add_permission_for_role("viewer", GstRtspServer.RTSP_PERM_MEDIA_FACTORY_CONSTRUCT, True)
    factory.set_permissions(permissions)


if __name__ == "__main__":
    main()
