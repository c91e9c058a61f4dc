"""Cameras that cost next to nothing: clips that are repeated for ever over RTSP, each by a process that can be killed.

The clip is encoded once, without pictures that refer to later ones.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from time import monotonic

import av

ROOT = Path(__file__).parents[2]
SERVER = ROOT / "tests" / "rtsp_server.py"
CLIP = ROOT / "flows" / "sample" / "gate.mp4"
LONGEST = 30.0
"""Seconds of a clip that are repeated."""


def units(clip: Path, folder: Path, fps: int) -> Path:
    """The folder with the clip's pictures, `fps` a second, 1280x720, as H.264 access units in a file each."""
    folder.mkdir(parents=True)
    encoder = av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height, encoder.pix_fmt, encoder.framerate = 1280, 720, "yuv420p", fps
    encoder.options = {"preset": "veryfast", "bf": "0", "g": str(fps), "crf": "23", "x264-params": "repeat-headers=1"}
    count, wanted = 0, 0.0
    with av.open(str(clip)) as container:
        for frame in container.decode(video=0):
            time = frame.time or 0.0
            if time > LONGEST:
                break
            if time < wanted:
                continue
            wanted += 1 / fps
            picture = frame.reformat(1280, 720, "yuv420p")
            picture.pts = None
            for packet in encoder.encode(picture):
                (folder / f"{count:05}.h264").write_bytes(bytes(packet))
                count += 1
    for packet in encoder.encode():
        (folder / f"{count:05}.h264").write_bytes(bytes(packet))
        count += 1
    return folder


class Camera:
    """A camera at a port that it keeps."""

    def __init__(self, folder: Path, fps: int) -> None:
        self._folder = folder
        self._fps = fps
        self._port = "0"
        self._process: subprocess.Popen[str] | None = None
        self.url = ""

    def start(self) -> float:
        """Let it serve; when it did (steady clock)."""
        options = ["--loop", str(self._folder), "--fps", str(self._fps), "--port", self._port]
        self._process = subprocess.Popen(
            ["/usr/bin/python3", str(SERVER), *options], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        assert self._process.stdout
        ready = self._process.stdout.readline().split()
        if not ready:
            sys.exit(f"no RTSP server on this machine; see {SERVER}")
        self._port = ready[1]
        self.url = f"rtsp://127.0.0.1:{self._port}/main"
        return monotonic()

    def kill(self) -> None:
        """End it as a power cut would."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate(timeout=10)
            self._process = None
