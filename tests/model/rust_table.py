"""Reads the table of AWS's input model in `src/model/shapes.rs`.

The table is Rust, but regular: constants and statics whose values are calls of a
handful of functions. They are read into the same form that botocore's model has.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

TOKEN = re.compile(
    r'r"(?P<raw>[^"]*)"|"(?P<string>[^"]*)"|(?P<number>\d[\d_]*)'
    r"|(?P<word>[A-Za-z_][A-Za-z0-9_]*(?:::[A-Za-z_][A-Za-z0-9_]*)*)|(?P<sign>[&\[\](){},:;=|])"
)
VALUE = re.compile(
    r"^(?:static|const) (?P<name>[A-Z_]+): (?:Shape|&\[Member\]) = (?P<value>.*?);$", re.S | re.M
)
ARM = re.compile(r"((?:(?:\|\s*)?Operation::\w+\s*)+)=> (?P<value>[A-Z_]+),")
PATTERN = re.compile(r'^    (?P<name>[A-Z_]+) = r"(?P<text>[^"]*)" as r"', re.M)


@dataclass
class Shape:
    """A shape as botocore has it; `type` is the word that botocore uses."""

    type: str
    min: int | None = None
    max: int | None = None
    pattern: str | None = None
    secret: bool = False
    enum: list[str] = field(default_factory=list)
    parts: list[Shape] = field(default_factory=list)
    members: list[Member] = field(default_factory=list)


@dataclass
class Member:
    """A member of a structure."""

    name: str
    required: bool
    shape: Shape


def read(shapes: str, patterns: str) -> dict[str, Shape]:
    """The input structure of each operation, by the operation's name."""
    code = re.sub(r"//.*", "", shapes)
    texts = {found["name"]: found["text"] for found in PATTERN.finditer(patterns)}
    values = {found["name"]: found["value"] for found in VALUE.finditer(code)}
    table = Table(values, texts)
    inputs: dict[str, Shape] = {}
    for arm in ARM.finditer(code):
        structure = Shape("structure", members=table.named(arm["value"]))
        for operation in re.findall(r"Operation::(\w+)", arm[1]):
            inputs[operation] = structure
    return inputs


class Table:
    """The named values of the table."""

    def __init__(self, values: dict[str, str], patterns: dict[str, str]) -> None:
        self.values = values
        self.patterns = patterns

    def named(self, name: str) -> Any:
        """The value of a constant or a static."""
        if name.startswith("pattern::"):
            return self.patterns[name.removeprefix("pattern::")]
        return Expression(self, self.values[name]).value()


class Expression:
    """One value in Rust."""

    def __init__(self, table: Table, code: str) -> None:
        self.table = table
        self.tokens = [
            (found.lastgroup or "", found[found.lastgroup or 0]) for found in TOKEN.finditer(code)
        ]

    def value(self) -> Any:
        """Reads one value off the front."""
        kind, text = self.tokens.pop(0)
        if kind in ("string", "raw"):
            return text
        if kind == "number":
            return int(text.replace("_", ""))
        if text == "&":
            return self.value()
        if text == "[":
            return self.until("]")
        if kind != "word":
            raise ValueError(f"`{text}` is not expected here")
        follows = self.tokens[0][1] if self.tokens else ""
        if follows == "(":
            self.tokens.pop(0)
            return call(text, self.until(")"))
        if follows == "{":
            self.tokens.pop(0)
            return integer(self.until("}"))
        if text == "None":
            return None
        if text == "Shape::Flag":
            return Shape("boolean")
        return self.table.named(text)

    def until(self, end: str) -> list[Any]:
        """Reads values, with or without a label before each, up to a sign."""
        values = []
        while self.tokens[0][1] != end:
            if len(self.tokens) > 1 and self.tokens[1][1] == ":":
                del self.tokens[:2]
            values.append(self.value())
            if self.tokens[0][1] == ",":
                self.tokens.pop(0)
        self.tokens.pop(0)
        return values


def integer(bounds: list[Any]) -> Shape:
    """`Shape::Integer { min, max }`."""
    return Shape("integer", min=bounds[0], max=bounds[1])


def call(function: str, given: list[Any]) -> Any:
    """What the functions at the foot of the table make."""
    match function, given:
        case "required" | "optional", [name, shape]:
            return Member(name, function == "required", shape)
        case "text", [least, most]:
            return Shape("string", min=least, max=most)
        case "matching" | "secret", [least, most, pattern]:
            return Shape("string", least, most, pattern, secret=function == "secret")
        case "list", [of, least, most]:
            return Shape("list", min=least, max=most, parts=[of])
        case "map", [key, value, most]:
            return Shape("map", max=most, parts=[key, value])
        case "Some", [value]:
            return value
        case "Shape::Choice", [values]:
            return Shape("string", enum=values)
        case "Shape::Structure", [members]:
            return Shape("structure", members=members)
    raise ValueError(f"`{function}` is not known")
