"""What the user has the flow do: pause, restart, acknowledge, correct, add to a list."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from typing import TYPE_CHECKING, TypeVar

from flowalpr.errors import FlowalprError, in_one_line
from flowalpr.tui.seen import Record

if TYPE_CHECKING:
    from flowalpr.tui.app import Monitor
    from flowalpr.tui.door import Door

Answer = TypeVar("Answer")
NODE_PAGES = ("flow", "cameras", "sinks")


class Steering:
    """Commands for what is chosen; each asks the door, and says what came of it."""

    def __init__(self, app: Monitor) -> None:
        self._app = app
        self._commands: dict[str, Callable[[], None]] = {
            "pause": self._pause,
            "restart": self._restart,
            "add": self._add,
            "correct": self._correct,
            "copy": self._copy,
            "search": self._search,
        }

    def do(self, what: str) -> None:
        """Do it, if it means something on the open page."""
        self._commands[what]()

    def commands(self) -> Iterator[tuple[str, str, Callable[[], None]]]:
        """What can be done with what is chosen: title, help, action."""
        if node := self._node():
            yield "Pause or resume", f"node {node}", self._pause
            yield "Restart", f"node {node}", self._restart
        if self._read():
            yield "Correct", "the text of the chosen read", self._correct
            yield "Add to list", "the plate of the chosen read", self._add
            yield "Copy", "the plate of the chosen read", self._copy
        if self._alert():
            yield "Acknowledge", "the chosen alert", self._add
        yield "Search", "reads in the past", self._search

    def subject(self, key: str) -> str:
        """What Enter opens for a row: the node, the camera, or the read of an alert."""
        if self._app.view.page != "alerts":
            return key
        return next((str(each["read"]) for each in self._app.seen.alerts if each["id"] == key), "")

    def _node(self) -> str | None:
        view = self._app.view
        return (view.subject or view.chosen) if view.page in NODE_PAGES else None

    def _read(self) -> Record | None:
        view, seen = self._app.view, self._app.seen
        if view.page not in ("reads", "alerts") or (view.page == "alerts" and not view.subject):
            return None
        key = view.subject or view.chosen or ""
        return seen.details.get(f"read {key}") or seen.read(key)

    def _alert(self) -> Record | None:
        view = self._app.view
        if view.page != "alerts" or view.subject:
            return None
        return next((each for each in self._app.seen.alerts if each["id"] == view.chosen), None)

    def _pause(self) -> None:
        name, now = self._node(), self._app.seen.now
        if not name or not now:
            return
        paused = any(node.name == name and node.state.startswith("paused") for node in now.nodes)

        async def call(door: Door) -> str:
            nodes = await (door.resume(name) if paused else door.pause(name))
            return f"{', '.join(nodes) or name} {'goes on' if paused else 'paused; p lets it go on'}"

        self._call(call)

    def _restart(self) -> None:
        name = self._node()
        if not name:
            return

        async def call(door: Door) -> str:
            return f"restarted {', '.join(await door.restart(name)) or name}"

        self._app.dialogue.confirm(f"Restart {name}?", lambda: self._call(call))

    def _add(self) -> None:
        if alert := self._alert():
            self._acknowledge(alert)
        elif read := self._read():
            self._app.run_worker(self._choose_list(read), group="list")

    def _acknowledge(self, alert: Record) -> None:
        async def call(door: Door) -> str:
            await door.acknowledge(alert["id"])
            self._app.seen.alerts = await door.alerts()
            return "acknowledged"

        self._call(call)

    async def _choose_list(self, read: Record) -> None:
        lists = await self._ask_door(lambda door: door.watchlists())
        if lists is None:
            return
        names = [str(each["name"]) for each in lists]
        if not names:
            self._app.dialogue.say("this flow has no watch list", "alarm")
            return

        def chosen(text: str) -> None:
            name, _, rest = text.partition(" ")
            action, _, label = rest.strip().partition(" ")
            if name not in names or action not in ("allow", "deny", "alert"):
                self._app.dialogue.say(f"write LIST allow|deny|alert LABEL; lists: {', '.join(names)}", "alarm")
                return

            async def call(door: Door) -> str:
                await door.add_to_list(name, str(read["text"]), action, label=label)
                return f"added to {name}"

            self._call(call)

        self._app.dialogue.ask(f"LIST allow|deny|alert LABEL, lists: {', '.join(names)}", f"{names[0]} alert ", chosen)

    def _correct(self) -> None:
        read = self._read()
        if not read:
            return

        def written(text: str) -> None:
            if not text or text == read.get("text"):
                return

            async def call(door: Door) -> str:
                read.update(await door.correct(str(read["id"]), text))
                return "corrected, in the store and in the queue for training"

            self._call(call)

        self._app.dialogue.ask("what the plate really says", str(read.get("text", "")), written)

    def _copy(self) -> None:
        read = self._read()
        if read and read.get("text"):
            self._app.copy_to_clipboard(str(read["text"]))
            self._app.dialogue.say("copied, if your terminal allows it (OSC 52)")

    def _search(self) -> None:
        if self._app.view.page != "reads":
            self._app.action_page("reads")
        self._app.dialogue.ask("a plate, whole or with * for any characters", self._app.view.past, self._find)

    def _find(self, text: str) -> None:
        if not text:
            return

        async def call(door: Door) -> str:
            found = await door.reads(limit=200, text=text)
            self._app.seen.past, self._app.view.past = found, text
            return f"{len(found)} reads of the past; Esc goes back to those as they come"

        self._call(call)

    def _call(self, call: Callable[[Door], Awaitable[str]]) -> None:
        """Ask the door without making the screen wait, and say what came of it."""

        async def run() -> None:
            said = await self._ask_door(call)
            if said:
                self._app.dialogue.say(said)

        self._app.run_worker(run(), group="command")

    async def _ask_door(self, call: Callable[[Door], Awaitable[Answer]]) -> Answer | None:
        door = self._app.feed.door
        if door is None:
            self._app.dialogue.say("the flow is not there just now", "alarm")
            return None
        try:
            return await call(door)
        except FlowalprError as error:
            self._app.dialogue.say(in_one_line(error), "alarm")
            return None
