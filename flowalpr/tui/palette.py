"""The looks: a dark one, a light one, and one in the terminal's own sixteen colours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from rich.style import Style
from textual.theme import Theme

TONES = (
    "",
    "dim",
    "head",
    "strong",
    "accent",
    "good",
    "warn",
    "bad",
    "wire",
    "flow",
    "bar",
    "tab",
    "plate",
    "name",
    "key",
    "alarm",
    "question",
)
"""What a piece of text can be: the pages name these and never a colour."""


@dataclass(frozen=True, slots=True)
class Palette:
    """Colours for every tone, and for the row that is chosen."""

    name: str
    theme: str
    """The theme that Textual's own parts wear with it."""
    tones: Mapping[str, Style]
    chosen: Style

    def style(self, tone: str, chosen: bool = False) -> Style:
        """How a tone looks."""
        style = Style.parse(tone) if tone.startswith("#") else self.tones[tone]  # A pixel brings its colours.
        return style + self.chosen if chosen else style


def _painted(name: str, ground: str, colours: dict[str, str], chosen: str) -> Palette:
    plain = Style.parse(f"{colours['']} on {ground}")
    tones = {tone: plain + Style.parse(colours[tone]) for tone in TONES}
    return Palette(name, f"flowalpr-{name}", MappingProxyType(tones), Style.parse(chosen))


DARK = _painted(
    "dark",
    "#0e131a",
    {
        "": "#d3dbe5",
        "dim": "#74839a",
        "head": "bold #9db2cc",
        "strong": "bold #ffffff",
        "accent": "#63c5ff",
        "good": "#5ed093",
        "warn": "#f4c152",
        "bad": "bold #ff6e6e",
        "wire": "#3a4b60",
        "flow": "#4f9ed0",
        "bar": "#aebccd on #19222e",
        "tab": "bold #0e131a on #63c5ff",
        "plate": "bold #f7fafc",
        "name": "bold #ffffff on #2d4560",
        "key": "bold #63c5ff on #19222e",
        "alarm": "bold #ff8f8f on #19222e",
        "question": "bold #0e131a on #f4c152",
    },
    "on #24384f",
)
LIGHT = _painted(
    "light",
    "#fbfbf9",
    {
        "": "#202b36",
        "dim": "#6d7a88",
        "head": "bold #47566a",
        "strong": "bold #000000",
        "accent": "#0a67b0",
        "good": "#18794a",
        "warn": "#955f00",
        "bad": "bold #c02626",
        "wire": "#b4bfca",
        "flow": "#4a86b5",
        "bar": "#3c4957 on #e6eaee",
        "tab": "bold #ffffff on #0a67b0",
        "plate": "bold #0b1220",
        "name": "bold #0b1220 on #c9d6e2",
        "key": "bold #0a67b0 on #e6eaee",
        "alarm": "bold #b01818 on #e6eaee",
        "question": "bold #ffffff on #955f00",
    },
    "on #d3e4f5",
)
_SIXTEEN = {
    "": "",
    "dim": "bright_black",
    "head": "bold",
    "strong": "bold",
    "accent": "cyan",
    "good": "green",
    "warn": "yellow",
    "bad": "bold red",
    "wire": "bright_black",
    "flow": "blue",
    "bar": "reverse",
    "tab": "bold underline",
    "plate": "bold",
    "name": "bold reverse",
    "key": "bold reverse",
    "alarm": "bold red",
    "question": "bold reverse",
}
TERMINAL = Palette(
    "terminal",
    "ansi-dark",
    MappingProxyType({tone: Style.parse(look) for tone, look in _SIXTEEN.items()}),
    Style.parse("default on default reverse not bold"),
)
PALETTES = (DARK, LIGHT, TERMINAL)


def themes() -> tuple[Theme, ...]:
    """What Textual's own parts (input line, command palette, scroll bars) wear."""
    return (
        Theme(
            "flowalpr-dark",
            primary="#63c5ff",
            accent="#63c5ff",
            success="#5ed093",
            warning="#f4c152",
            error="#ff6e6e",
            foreground="#d3dbe5",
            background="#0e131a",
            surface="#19222e",
            panel="#24384f",
            dark=True,
        ),
        Theme(
            "flowalpr-light",
            primary="#0a67b0",
            accent="#0a67b0",
            success="#18794a",
            warning="#955f00",
            error="#c02626",
            foreground="#202b36",
            background="#fbfbf9",
            surface="#e6eaee",
            panel="#d3e4f5",
            dark=False,
        ),
    )
