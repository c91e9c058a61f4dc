"""How Home Assistant learns of a camera: MQTT discovery (home-assistant.io/integrations/mqtt)."""

from __future__ import annotations

import hashlib
import re
from typing import Any

PREFIX = "homeassistant"
"""Where Home Assistant looks unless told otherwise."""
PLATE = "{{ value_json.text if 'text' in value_json else value_json.get('read', {}).get('text', '') }}"
"""Its template of the plate, which an alert holds in its read."""


def sensor(client: str, node: str, camera: str, topic: str, status: str) -> tuple[str, dict[str, Any]]:
    """Topic and content of the message that makes a sensor: its state is the last plate, the rest its attributes."""
    short = re.sub(r"[^A-Za-z0-9_-]", "_", camera)
    # Cameras whose names differ only in what a topic may not hold stay apart.
    own = f"{short}_{hashlib.sha256(camera.encode('utf-8', 'replace')).hexdigest()[:6]}"
    device = re.sub(r"[^A-Za-z0-9_-]", "_", client)
    config: dict[str, Any] = {
        "name": f"{camera} plate",
        "unique_id": f"{device}_{own}",
        "state_topic": topic,
        "value_template": PLATE,
        "json_attributes_topic": topic,
        "icon": "mdi:car",
        "device": {"identifiers": [device], "name": f"flowalpr {node}", "manufacturer": "flowalpr"},
        "origin": {"name": "flowalpr"},
    }
    if status:
        config["availability_topic"] = status
    return f"{PREFIX}/sensor/{device}/{own}/config", config
