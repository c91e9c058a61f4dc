"""Conditions on the fields of a message, such as `confidence > 0.8 and country in ["D", "NL"]`.

Parsed as a Python expression, of which only what is listed here is allowed, and turned into closures; nothing is
ever executed as Python. No power, no text times number, bounded size and regexes with a time limit: a condition can
neither reach beyond the message nor use up the machine.
"""

from __future__ import annotations

import ast
import operator
import warnings
from collections.abc import Callable, Collection
from difflib import get_close_matches
from typing import Any

import regex

Record = dict[str, Any]  # Any: the values that JSON has
Value = Callable[[Record], Any]

LONGEST = 2000
"""Characters of a condition."""
DEEPEST = 40
"""Levels of brackets and operators inside one another."""
REGEX_LIMIT = 0.05
"""Seconds that one search with a regex may take; a plate needs some microseconds."""

_ORDER: dict[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
_SAMENESS: dict[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Is: operator.eq,
    ast.IsNot: operator.ne,
    ast.In: lambda one, many: _is_in(one, many),
    ast.NotIn: lambda one, many: not _is_in(one, many),
}
_ARITHMETIC: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
_FUNCTIONS: dict[str, tuple[int, str]] = {
    "startswith": (2, 'startswith(text, "AB")'),
    "endswith": (2, 'endswith(text, "99")'),
    "contains": (2, 'contains(text, "X")'),
    "matches": (2, 'matches(text, "[A-Z]{3}[0-9]{4}")'),
    "length": (1, "length(text)"),
}
_HELP = {
    "=": "write '==' to compare",
    "&": "write 'and' for '&&'",
    "|": "write 'or' for '||'",
    "!": "write 'not' for '!'",
}
"""What to write in place of a character that Python stumbles over."""
ALLOWED = (
    "fields, numbers, quoted texts, lists, and or not, == != < <= > >= in, + - * / of numbers, box[2], "
    + ", ".join(example for _, example in _FUNCTIONS.values())
)


class ExpressionError(ValueError):
    """What is wrong with a condition, and where in it."""

    def __init__(self, what: str, source: str, at: int) -> None:
        super().__init__(f"{what} (at character {at + 1} of `{source[max(0, at - 60) : at + 60]}`)")


def compiled(source: str, fields: Collection[str]) -> Callable[[Record], bool]:
    """The condition as a function of a message's record.

    Raises:
        ExpressionError: it is not a condition on these fields; says what, where and what would do.
    """
    if len(source) > LONGEST:
        raise ExpressionError(f"a condition has at most {LONGEST} characters; this has {len(source)}", source, 0)
    source = " ".join(source.split("\n")).strip()  # A long condition may be broken into lines anywhere.
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Python's own hints, such as on `"a" is 1`, mean programs.
            tree = ast.parse(source, mode="eval")
    except SyntaxError as error:
        at = max(0, (error.offset or 1) - 1)
        said = _HELP.get(source[at : at + 1]) or f"this is no condition ({error.msg})"
        raise ExpressionError(said, source, at) from None
    except (ValueError, RecursionError, MemoryError):
        raise ExpressionError("this is no condition, or too many brackets are nested", source, 0) from None
    value = _Compiler(source, fields).value(tree.body, 0)
    return lambda record: bool(value(record))


class _Compiler:
    """Turns the nodes of a syntax tree into closures, one method a kind."""

    def __init__(self, source: str, fields: Collection[str]) -> None:
        self._source = source
        self._fields = fields

    def value(self, node: ast.expr, depth: int) -> Value:
        """A function that gives the value of this part for a record."""
        if depth > DEEPEST:
            raise self._wrong("too many brackets and operators inside one another", node)
        method = getattr(self, f"_{type(node).__name__.lower()}", None)
        if method is None:
            raise self._wrong(f"this is not allowed here; a condition is made of {ALLOWED}", node)
        made: Value = method(node, depth + 1)
        return made

    def _constant(self, node: ast.Constant, depth: int) -> Value:
        given = node.value
        if not isinstance(given, (str, int, float, type(None))):
            raise self._wrong("only numbers, quoted texts, True, False and None are values", node)
        return lambda _: given

    def _name(self, node: ast.Name, depth: int) -> Value:
        name = node.id
        if name not in self._fields:
            known = ", ".join(sorted(self._fields))
            raise self._wrong(
                _unknown("field", name, self._fields) or f"no message has a field '{name}': {known}", node
            )

        def field(record: Record) -> Any:  # Any: the values that JSON has
            try:
                return record[name]
            except KeyError:
                kind, there = record.get("type", "this message"), ", ".join(record)
                raise LookupError(f"{kind} has no field '{name}'; it has {there}") from None

        return field

    def _boolop(self, node: ast.BoolOp, depth: int) -> Value:
        parts = [self.value(each, depth) for each in node.values]
        decide = all if isinstance(node.op, ast.And) else any
        return lambda record: decide(part(record) for part in parts)

    def _unaryop(self, node: ast.UnaryOp, depth: int) -> Value:
        inner = self.value(node.operand, depth)
        if isinstance(node.op, ast.Not):
            return lambda record: not inner(record)
        if isinstance(node.op, ast.USub):
            return lambda record: -_number(inner(record))
        raise self._wrong(f"this is not allowed here; a condition is made of {ALLOWED}", node)

    def _compare(self, node: ast.Compare, depth: int) -> Value:
        values = [self.value(each, depth) for each in (node.left, *node.comparators)]
        tests = [_SAMENESS.get(type(each)) or _ordered(_ORDER[type(each)]) for each in node.ops]
        if len(tests) == 1:
            test, (left, right) = tests[0], values
            return lambda record: test(left(record), right(record))
        steps = list(zip(tests, values[:-1], values[1:], strict=True))
        return lambda record: all(test(left(record), right(record)) for test, left, right in steps)

    def _binop(self, node: ast.BinOp, depth: int) -> Value:
        how = _ARITHMETIC.get(type(node.op))
        if how is None:
            raise self._wrong("of arithmetic there are + - * / only", node)
        left, right = self.value(node.left, depth), self.value(node.right, depth)
        return lambda record: how(_number(left(record)), _number(right(record)))

    def _subscript(self, node: ast.Subscript, depth: int) -> Value:
        inner, index = self.value(node.value, depth), self.value(node.slice, depth)
        return lambda record: _element(inner(record), index(record))

    def _list(self, node: ast.List | ast.Tuple | ast.Set, depth: int) -> Value:
        parts = [self.value(each, depth) for each in node.elts]
        return lambda record: [part(record) for part in parts]

    _tuple = _set = _list

    def _call(self, node: ast.Call, depth: int) -> Value:
        if isinstance(node.func, ast.Attribute) and node.func.attr in _FUNCTIONS:
            raise self._wrong(f"write {_FUNCTIONS[node.func.attr][1]}", node)
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if name not in _FUNCTIONS:
            raise self._wrong(_unknown("function", name, _FUNCTIONS) or f"functions are {', '.join(_FUNCTIONS)}", node)
        count, example = _FUNCTIONS[name]
        if len(node.args) != count or node.keywords:
            raise self._wrong(f"{name} is written {example}", node)
        text, *others = (self.value(each, depth) for each in node.args)
        if name == "length":
            return lambda record: len(text(record) or "")
        if name == "matches":
            return self._matches(node.args[1], text)
        (part,) = others
        test = {"startswith": str.startswith, "endswith": str.endswith, "contains": str.__contains__}[name]
        return lambda record: test(_text(text(record)), _text(part(record)))

    def _matches(self, given: ast.expr, text: Value) -> Value:
        if not (isinstance(given, ast.Constant) and isinstance(given.value, str) and len(given.value) <= 500):
            raise self._wrong("the pattern of matches is a quoted text of at most 500 characters", given)
        try:
            pattern = regex.compile(given.value)
        except regex.error as error:
            raise self._wrong(f"the pattern is no regular expression: {error}", given) from None
        # The whole text must match, as plate formats mean it; a time limit ends patterns that explode.
        return lambda record: pattern.fullmatch(_text(text(record)), timeout=REGEX_LIMIT) is not None

    def _wrong(self, what: str, node: ast.expr) -> ExpressionError:
        before = self._source.encode()[: node.col_offset]  # Python counts bytes.
        return ExpressionError(what, self._source, len(before.decode()))


def _ordered(test: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:  # Any: the values that JSON has
    """The comparison, false where a side is not known (None), as in SQL."""
    return lambda left, right: left is not None and right is not None and test(left, right)


def _is_in(one: Any, many: Any) -> bool:  # Any: the values that JSON has
    return many is not None and not (one is None and isinstance(many, str)) and one in many


def _number(value: Any) -> float:  # Any: the values that JSON has
    if isinstance(value, (int, float)):
        return value
    raise TypeError(f"arithmetic needs numbers, and this is {type(value).__name__}")


def _text(value: Any) -> str:  # Any: the values that JSON has
    if value is None or isinstance(value, str):
        return value or ""
    raise TypeError(f"this function needs a text, and this is {type(value).__name__}")


def _element(values: Any, index: Any) -> Any:  # Any: the values that JSON has
    if isinstance(values, (list, tuple, str)) and isinstance(index, int):
        return values[index] if -len(values) <= index < len(values) else None
    return None if values is None else values[index]


def _unknown(kind: str, name: str, names: Collection[str]) -> str:
    close = get_close_matches(name, list(names), n=1)
    return f"there is no {kind} '{name}': did you mean '{close[0]}'?" if close else ""
