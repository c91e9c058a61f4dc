"""Anything that a program may send to the door: the answers are as described, and nothing breaks it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis import checks
from support.certificates import Authority
from support.flows import Find, Keep
from support.live import LiveFrames, LiveReads
from support.served import Served, until

from flowalpr.control.app import application
from flowalpr.control.server import Network
from flowalpr.control.tokens import Role, Tokens

CHECKS = [
    checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
]
EXAMPLES = 3
"""For each route."""


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # Of the fuzzer and what it uses.
def test_the_door_stands_whatever_it_is_asked(serve: Callable[..., Served], tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    certificate, key = authority.sign("gate")
    served = serve(
        ("gate", LiveFrames(), ""),
        ("plates", Find(), "gate"),
        ("cars", LiveReads(), ""),
        ("keep", Keep(), "plates cars"),
        network=Network("127.0.0.1", 0, certificate, key),
    )
    served.node("cars").send(3)
    until(lambda: len(served.flow.heard.reads()) == 3)
    _, token = Tokens().create("fuzz", Role.admin, None)
    described = schemathesis.openapi.from_dict(application(served.flow).openapi())

    def ask(case: schemathesis.Case) -> None:
        case.call_and_validate(
            base_url=f"https://127.0.0.1:{served.door.port}",
            headers={"Authorization": f"Bearer {token}"},
            verify=str(authority.ca),
            checks=CHECKS,
        )

    asked = 0
    for found in described.get_all_operations():
        operation = found.ok()
        if operation.path.endswith("/stream"):  # It never ends.
            continue
        limits = settings(
            max_examples=EXAMPLES,
            phases=(Phase.generate,),
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        seed(1)(limits(given(case=operation.as_strategy())(ask)))()
        asked += 1
    assert asked > 20
    assert served.runner.snapshot().node("gate").state in ("live", "paused")
