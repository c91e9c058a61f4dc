"""Events on their way to others: queued on disk, in order, again until they are taken. For nodes in the box and yours.

A sink derives from `Outgoing`, which brings the queue and its settings, and gives by `courier` what carries events
out of it: an `HttpCourier` of `flowalpr.delivery.http` for a web server, or a `Courier` of its own. `HttpNode` has the
settings by which a web server is reached, also for nodes that ask one something. Import `flowalpr.delivery.http` in
`open` or `courier` only, so that `flowalpr check` starts fast.
"""

from flowalpr.delivery.away import AwayError
from flowalpr.delivery.http_node import HttpNode
from flowalpr.delivery.outgoing import Outgoing

__all__ = ["AwayError", "HttpNode", "Outgoing"]
