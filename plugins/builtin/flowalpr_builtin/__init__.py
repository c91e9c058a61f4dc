"""The plugin that comes in the box: its hook lists the nodes."""

from flowalpr import Node, hookimpl
from flowalpr_builtin.detect.detect import Detect
from flowalpr_builtin.detect.detect_text import DetectText
from flowalpr_builtin.detect.track import Track
from flowalpr_builtin.filters.alert import Alert
from flowalpr_builtin.filters.barrier import Barrier
from flowalpr_builtin.filters.confident import Confident
from flowalpr_builtin.filters.crop import Crop
from flowalpr_builtin.filters.distinct import Distinct
from flowalpr_builtin.filters.format import Format
from flowalpr_builtin.filters.latest import Latest
from flowalpr_builtin.filters.rate_limit import RateLimit
from flowalpr_builtin.filters.sample import Sample
from flowalpr_builtin.filters.sessions import Sessions
from flowalpr_builtin.filters.vote import Vote
from flowalpr_builtin.filters.watchlist import Watchlist
from flowalpr_builtin.filters.where import Where
from flowalpr_builtin.filters.zone import Zone
from flowalpr_builtin.ocr.ocr import Ocr
from flowalpr_builtin.ocr.ocr_rapid import OcrRapid
from flowalpr_builtin.sinks.console import Console
from flowalpr_builtin.sinks.debug import Debug
from flowalpr_builtin.sinks.lines import Lines
from flowalpr_builtin.sinks.mail import Email
from flowalpr_builtin.sinks.mqtt import Mqtt
from flowalpr_builtin.sinks.snapshot import Snapshot
from flowalpr_builtin.sinks.store import Store
from flowalpr_builtin.sinks.webhook import Webhook
from flowalpr_builtin.sources.camera import Camera
from flowalpr_builtin.sources.http_in import HttpIn
from flowalpr_builtin.sources.images import Images
from flowalpr_builtin.sources.mqtt_in import MqttIn
from flowalpr_builtin.sources.mqtt_trigger import MqttTrigger
from flowalpr_builtin.sources.timer import Timer
from flowalpr_builtin.sources.video import Video


@hookimpl
def flowalpr_nodes() -> list[type[Node]]:
    """All built-in nodes, in the order in which a flow would use them."""
    return [
        *(Images, Video, Camera, HttpIn, MqttIn, MqttTrigger, Timer),
        *(Latest, Crop, Detect, DetectText, Zone, Track, Ocr, OcrRapid, Vote),
        *(Format, Confident, Distinct, Where, RateLimit, Sample),
        *(Watchlist, Sessions, Barrier, Alert),
        *(Console, Lines, Store, Snapshot, Mqtt, Webhook, Email, Debug),
    ]
