from flowalpr import Fraction, Node, PlateRead, hookimpl


class Confident(Node):
    """Pass on reads whose confidence is at least `at_least`."""

    at_least: Fraction = 0.8

    def process(self, read: PlateRead) -> PlateRead | None:
        return read if read.confidence >= self.at_least else None


@hookimpl
def flowalpr_nodes() -> list[type[Node]]:
    return [Confident]
