"""The plugin that comes in the box: its hook lists the nodes."""

from flowalpr import Node, hookimpl
from flowalpr_builtin.sources.camera import Camera
from flowalpr_builtin.sources.images import Images
from flowalpr_builtin.sources.timer import Timer
from flowalpr_builtin.sources.video import Video


@hookimpl
def flowalpr_nodes() -> list[type[Node]]:
    """All built-in nodes, in the order in which a flow would use them."""
    return [Images, Video, Camera, Timer]
