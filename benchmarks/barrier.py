"""How fast a barrier opens: `python benchmarks/barrier.py [--rounds 6]` drives cars past, as a camera would see them.

The flow is a real one: a live clip, detect, track, ocr, vote, watchlist, barrier, and an MQTT broker (mosquitto of the
system; without it, a sink in the flow takes the signal). All times count from the plate's first sharp frame, that is
from its capture, to the arrival at the other side. Goals: the signal p95 within 1.0 s, the preview within 300 ms.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path

import numpy as np
import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
from pydantic import PrivateAttr

from flowalpr import Message, Node, Passage, Signal
from flowalpr.cli.logs import set_up
from flowalpr.engine.runner import Runner
from flowalpr.flow.graph import FlowNode, Graph
from flowalpr.flow.load import load_flow
from flowalpr.plugins import load_plugins

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))
from support.broker import PROGRAM, Broker  # noqa: E402  # From the tests.

CLIP = ROOT / "flows" / "sample" / "gate.mp4"
FLOW = """
flow: barrier-{round}
nodes:
  gate:    {{uses: video, with: {{path: "{clip}", realtime: true}}}}
  plates:  {{uses: detect, from: gate}}
  follow:  {{uses: track, from: plates}}
  text:    {{uses: ocr, from: follow}}
  cars:    {{uses: vote, from: text, with: {{give: [preview, final]}}}}
  known:   {{uses: watchlist, from: cars, with: {{path: "{list}", keep: allow}}}}
  sure:    {{uses: where, from: known, with: {{that: stage == "final"}}}}
  barrier: {{uses: barrier, from: sure, with: {{hold: 1 s}}}}
"""
RELAY = '  relay:   {{uses: mqtt, from: barrier, with: {{host: 127.0.0.1, port: {port}, topic: "barrier"}}}}\n'


class Arrivals(Node):
    """A sink that notes when each message came."""

    _come: list[tuple[datetime, Message]] = PrivateAttr(default_factory=list)

    def process(self, message: Message) -> None:
        self._come.append((datetime.now(timezone.utc), message))

    def come(self) -> list[tuple[datetime, Message]]:
        return self._come


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=6, help="how often the clip is played")
    parser.add_argument("--clip", type=Path, default=CLIP)
    parser.add_argument("--plates", help="those that may enter, with commas between; else what the clip's truth says")
    chosen = parser.parse_args()
    set_up(verbose=0, as_json=False)
    plates = chosen.plates.split(",") if chosen.plates else sorted(_truth(chosen.clip))
    with tempfile.TemporaryDirectory() as folder:
        os.environ["FLOWALPR_STATE"] = folder
        signals, previews, arrived = measured(Path(folder), chosen.clip, plates, chosen.rounds)
    loads = ", ".join(f"{load:.1f}" for load in os.getloadavg())
    print(
        f"{chosen.rounds} x {chosen.clip.name}, {len(plates)} plates on the list; {os.cpu_count()} cores, load {loads}"
    )
    show("preview", previews, 300)
    show("signal given", signals, 1000)
    if PROGRAM:
        show("signal at the broker's client", arrived, 1000)


def measured(folder: Path, clip: Path, plates: list[str], rounds: int) -> tuple[list[float], list[float], list[float]]:
    """Seconds from the first sharp frame to the signal, to the preview, and to the signal's arrival by MQTT."""
    signals: list[float] = []
    previews: list[float] = []
    arrived: list[float] = []
    (folder / "list.csv").write_text("plate,action\n" + "".join(f"{each},allow\n" for each in plates))
    with broker(folder) as (port, came):
        for number in range(rounds):
            given = played(FLOW + (RELAY if port else ""), folder, clip=clip, port=port, round=number)
            previews += [_since_sharp(when, each) for when, each in given if _is_preview(each)]
            opened = {each.id: each.read for _, each in given if isinstance(each, Signal) and each.on}
            signals += [each.delay for _, each in given if isinstance(each, Signal) and each.on]
            arrived += [_since_sharp(came[id_], read) for id_, read in opened.items() if id_ in came]
    return signals, previews, arrived


def played(text: str, folder: Path, **values: object) -> list[tuple[datetime, Message]]:
    """What `known` and `barrier` give while the clip is played once, with the time at which it came."""
    path = folder / "flow.yaml"
    path.write_text(text.format(list=folder / "list.csv", **values), encoding="utf-8")
    nodes = dict(load_flow(path, load_plugins()).nodes)
    early, opened = Arrivals(), Arrivals()
    nodes["early"] = FlowNode("early", "arrivals", early, ("known",))
    nodes["opened"] = FlowNode("opened", "arrivals", opened, ("barrier",))
    runner = Runner(Graph(f"barrier-{values['round']}", nodes), folder / "dead.jsonl")
    runner.start()
    runner.wait()
    runner.stop()
    if runner.error:
        raise runner.error
    return [*early.come(), *opened.come()]


@contextmanager
def broker(folder: Path) -> Iterator[tuple[int, dict[str, datetime]]]:
    """A broker's port, and the signals that came to its client, by id; 0 where there is no broker."""
    came: dict[str, datetime] = {}
    if not PROGRAM:
        yield 0, came
        return

    def note(_: paho.Client, __: object, message: paho.MQTTMessage) -> None:
        came[json.loads(message.payload)["id"]] = datetime.now(timezone.utc)

    server = Broker(folder).start()
    client = paho.Client(CallbackAPIVersion.VERSION2)
    client.on_message = note
    client.connect("127.0.0.1", server.port)
    client.subscribe("barrier", qos=1)
    client.loop_start()
    yield server.port, came
    client.loop_stop()
    server.kill()


def show(what: str, seconds: list[float], goal: int) -> None:
    if not seconds:
        print(f"{what:30} none")
        return
    p50, p95 = (1000 * float(np.quantile(seconds, share)) for share in (0.5, 0.95))
    met = "met" if p95 <= goal else "missed"
    print(f"{what:30} {len(seconds):4} of them, p50 {p50:5.0f} ms, p95 {p95:5.0f} ms (goal {goal}: {met})")


def _truth(clip: Path) -> set[str]:
    lines = clip.with_suffix(".truth.jsonl").read_text(encoding="utf-8").splitlines()
    return {plate["text"] for line in lines for plate in json.loads(line)["plates"] if plate.get("text")}


def _is_preview(message: Message) -> bool:
    return isinstance(message, Passage) and message.stage == "preview"


def _since_sharp(when: datetime, read: Message) -> float:
    assert isinstance(read, Passage)
    return max(0.0, (when - (read.sharp or read.first)).total_seconds())


if __name__ == "__main__":
    main()
