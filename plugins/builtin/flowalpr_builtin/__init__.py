"""The plugin that comes in the box: its hook lists the nodes."""

from flowalpr import Node, hookimpl


@hookimpl
def flowalpr_nodes() -> list[type[Node]]:
    """All built-in nodes, in the order in which a flow would use them."""
    return []
