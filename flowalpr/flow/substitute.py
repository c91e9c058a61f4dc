"""Puts in what a flow file leaves open: `${NAME}`, `${NAME:-default}`, from parameters or from the environment.

`$${` stands for a `${` that is meant as it is. What is put in is never looked at again, so a value from the
environment cannot ask for another one; and it stays one value, so it cannot add a key.
"""

from __future__ import annotations

import re
from collections.abc import Mapping as Names
from dataclasses import replace

from flowalpr.errors import Problem, nearest
from flowalpr.flow.values import MAX_VALUES, Mapping, Scalar, Sequence, Value, resolve

MAX_DEPTH = 10
"""Deepest nesting of defaults in one another."""
MAX_TEXT = 100_000
"""Characters of a text with everything put in."""

_WHOLE = re.compile(r"\$\{(\w+)\}")
_NEXT = re.compile(r"\$\$\{|\$\{|\}")
_NAME = re.compile(r"(\w+)(:-|\})")


class Substitution:
    """Replaces references in values; what is wrong with them is collected in `problems`."""

    def __init__(self, parameters: Names[str, Value], environ: Names[str, str], folder: str) -> None:
        self.problems: list[Problem] = []
        self._parameters = parameters
        self._environ = {**environ, "FLOW_DIR": folder}

    def apply(self, value: Value) -> Value:
        """The same value with every reference replaced.

        A setting that is nothing but `${name}` becomes the parameter of that name as it is, list or number; in longer
        text it becomes text.
        """
        if isinstance(value, Scalar):
            return self._scalar(value) if "${" in value.text else value
        if isinstance(value, Mapping):
            filled: Value = Mapping(tuple((key, self.apply(each)) for key, each in value.entries), value.place)
        else:
            filled = Sequence(tuple(map(self.apply, value.items)), value.place)
        if filled.weight > MAX_VALUES:
            self.problems.append(Problem("with its parameters put in, this is too large", place=value.place))
            return value
        return filled

    def _scalar(self, scalar: Scalar) -> Value:
        whole = _WHOLE.fullmatch(scalar.text)
        if whole and whole[1] in self._parameters:
            return self._parameters[whole[1]]
        try:
            text, _ = self._text(scalar.text, 0, 0)
        except _ReferenceError as error:
            self.problems.append(Problem(error.what, fix=error.fix, place=scalar.place))
            return scalar
        if len(text) > MAX_TEXT:
            self.problems.append(Problem("with its parameters put in, this is too long", place=scalar.place))
            return scalar
        return replace(scalar, text=text, value=text if scalar.quoted else resolve(text))

    def _text(self, text: str, start: int, depth: int) -> tuple[str, int]:
        """The text from `start` with its references replaced, and where it ends: at its end, or at a closing `}`."""
        if depth > MAX_DEPTH:
            raise _ReferenceError(f"defaults are nested more than {MAX_DEPTH} deep", "name fewer")
        parts: list[str] = []
        while True:
            mark = _NEXT.search(text, start)
            if mark is None:
                if depth:
                    raise _ReferenceError("a '${' has no closing '}'", "add the '}'")
                return "".join((*parts, text[start:])), len(text)
            parts.append(text[start : mark.start()])
            start = mark.end()
            if mark[0] == "$${":
                parts.append("${")
            elif mark[0] == "${":
                part, start = self._reference(text, start, depth)
                parts.append(part)
            elif depth:
                return "".join(parts), start
            else:
                parts.append("}")

    def _reference(self, text: str, start: int, depth: int) -> tuple[str, int]:
        """What the reference stands for whose name begins at `start`, and where it ends."""
        match = _NAME.match(text, start)
        if match is None:
            raise _ReferenceError(
                "'${' does not begin a reference", "write ${NAME} or ${NAME:-default}, or $${ for a plain ${"
            )
        name, held = match[1], self._held(match[1])
        if match[2] == "}":
            if held is None:
                raise _ReferenceError(f"{name} has no value", self._remedy(name))
            return held, match.end()
        default, end = self._text(text, match.end(), depth + 1) if not held else ("", self._skip(text, match.end()))
        return held or default, end

    def _skip(self, text: str, start: int) -> int:
        """Where a default that is not needed ends; its references need no value."""
        open_marks = 1
        for mark in _NEXT.finditer(text, start):
            open_marks += {"${": 1, "}": -1}.get(mark[0], 0)
            if not open_marks:
                return mark.end()
        raise _ReferenceError("a '${' has no closing '}'", "add the '}'")

    def _held(self, name: str) -> str | None:
        """The value of a parameter or environment variable as text."""
        parameter = self._parameters.get(name)
        if isinstance(parameter, Scalar):
            return parameter.text
        if parameter is not None:
            raise _ReferenceError(f"'{name}' is not text", f"let the setting be nothing but ${{{name}}}")
        return self._environ.get(name)

    def _remedy(self, name: str) -> str:
        known = [*self._parameters, "FLOW_DIR"]
        offer = nearest(name, known)
        return f"{offer + ' or ' if offer else ''}export {name}=..., or give a default: ${{{name}:-default}}"


class _ReferenceError(Exception):
    """A reference that cannot be replaced."""

    def __init__(self, what: str, fix: str) -> None:
        self.what, self.fix = what, fix
        super().__init__(what)
