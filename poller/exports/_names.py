"""Names of files and identifiers in exports: plain ASCII, short, each given once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from poller.resolved import Node
from poller.resolved.names import Register, class_name, pascal

Some = TypeVar("Some", bound=Node)
_LONGEST = 60


def file_names(nodes: Iterable[Some], ending: str, *, taken: Iterable[str] = ()) -> dict[str, Some]:
    """Each node by the name of a file of its own."""
    register = Register(taken)
    return {register.take(identifier(node)) + ending: node for node in nodes}


def identifier(node: Node) -> str:
    """PascalCase in ASCII letters and digits, of any name."""
    return pascal(class_name(node.name, otherwise="Element"))[:_LONGEST]
