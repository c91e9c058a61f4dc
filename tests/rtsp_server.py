"""An RTSP camera for tests: GStreamer's server, run with the system's python3, since its bindings are no wheel.

`python3 rtsp_server.py [--file CLIP.mp4] [--user NAME --password WORD] [--codec h264|mjpeg] [--fps N]` prints
`ready PORT` and serves `rtsp://127.0.0.1:PORT/main` until it is killed. Without a file it shows GStreamer's test
picture. On Debian: apt-get install gir1.2-gst-rtsp-server-1.0 python3-gi gstreamer1.0-plugins-good
gstreamer1.0-plugins-ugly.
"""

import argparse

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402 - the versions must be stated first


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--file")
    options.add_argument("--user")
    options.add_argument("--password")
    options.add_argument("--codec", choices=["h264", "mjpeg"], default="h264")
    options.add_argument("--fps", type=int, default=10)
    given = options.parse_args()

    Gst.init(None)
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service("0")
    factory = GstRtspServer.RTSPMediaFactory()
    factory.set_launch(pipeline(given))
    factory.set_shared(given.file is None)
    if given.user:
        require_login(server, factory, given.user, given.password)
    server.get_mount_points().add_factory("/main", factory)
    server.attach(None)
    print("ready", server.get_bound_port(), flush=True)
    GLib.MainLoop().run()


def pipeline(given: argparse.Namespace) -> str:
    if given.file:
        return f'( filesrc location="{given.file}" ! qtdemux ! rtph264pay name=pay0 pt=96 )'
    picture = f"videotestsrc is-live=true ! video/x-raw,format=I420,width=320,height=240,framerate={given.fps}/1"
    if given.codec == "mjpeg":
        return f"( {picture} ! jpegenc ! rtpjpegpay name=pay0 pt=26 )"
    return f"( {picture} ! x264enc tune=zerolatency key-int-max=10 ! rtph264pay name=pay0 pt=96 )"


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
