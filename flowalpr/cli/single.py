"""One node by its name, outside of any flow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flowalpr.node import Node


def node_of(name: str, settings: Mapping[str, Any]) -> Node:  # Any: a setting's value
    """The node of that name with these settings.

    Raises:
        FlowError: there is no such node, or a setting of it is wrong.
    """
    from pydantic import ValidationError

    from flowalpr.errors import FlowError, Problem
    from flowalpr.plugins import UnknownNodeError, load_plugins

    try:
        return load_plugins().find(name).node.model_validate(settings)
    except UnknownNodeError as error:
        raise FlowError([Problem(error.what, fix=error.fix)]) from None
    except ValidationError as error:
        wrong = (f"setting '{'.'.join(map(str, each['loc']))}' of {name}: {each['msg']}" for each in error.errors())
        raise FlowError([Problem(each, fix=f"flowalpr nodes show {name}") for each in wrong]) from None
