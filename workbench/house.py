"""How the house stands, in figures: lines, functions, classes, broad excepts, and public names that say nothing.

`python -m workbench.house` prints them for every package of the product, `--names` each name too. A public name needs a
docstring unless somebody else says it: a method is exempt where a protocol that its class fulfils, or the service's .proto
file, documents it; so are dunders and functions within functions.
"""

from __future__ import annotations

import argparse
import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from statistics import quantiles

ROOT = Path(__file__).parents[1]
PACKAGES = ("poller", "executor", "process", "client", "scripts")
MOST_METHODS = 12
Function = ast.FunctionDef | ast.AsyncFunctionDef
Documented = Function | ast.ClassDef


@dataclass(slots=True)
class Package:
    """What was found in one package; places are `file:line name`."""

    lines: int = 0
    functions: list[int] = field(default_factory=list)
    large_classes: list[str] = field(default_factory=list)
    broad_excepts: list[str] = field(default_factory=list)
    silent: list[str] = field(default_factory=list)
    public: int = 0

    def __add__(self, other: Package) -> Package:
        return Package(
            self.lines + other.lines,
            self.functions + other.functions,
            self.large_classes + other.large_classes,
            self.broad_excepts + other.broad_excepts,
            self.silent + other.silent,
            self.public + other.public,
        )

    def row(self, name: str) -> str:
        """The figures of the table, one line."""
        cuts = quantiles(self.functions, n=10) if len(self.functions) > 1 else [0.0] * 9
        figures = (
            self.lines,
            len(self.functions),
            f"{cuts[4]:.0f}",
            f"{cuts[8]:.0f}",
            len(self.large_classes),
        )
        more = (len(self.broad_excepts), f"{len(self.silent)} of {self.public}")
        return f"{name:<12}" + "".join(f"{figure!s:>14}" for figure in (*figures, *more))


def measured(name: str, protocols: dict[str, dict[str, bool]]) -> Package:
    """One package, without its stubs of protobuf."""
    found = Package()
    for path in _files(name):
        text = path.read_text("utf-8")
        found.lines += len(text.splitlines())
        module = ast.parse(text)
        where = path.relative_to(ROOT)
        for node in ast.walk(module):
            if isinstance(node, Function):
                found.functions.append((node.end_lineno or node.lineno) - node.lineno + 1)
            elif isinstance(node, ast.ClassDef) and len(_methods(node)) > MOST_METHODS:
                found.large_classes.append(f"{where}:{node.lineno} {node.name} ({len(_methods(node))})")
            elif isinstance(node, ast.ExceptHandler) and _is_broad(node):
                found.broad_excepts.append(f"{where}:{node.lineno}")
        for line, public, said in _public(module, protocols):
            found.public += 1
            if not said:
                found.silent.append(f"{where}:{line} {public}")
    return found


def protocols_of(names: tuple[str, ...]) -> dict[str, dict[str, bool]]:
    """Every protocol's methods, and which of them it documents."""
    return {
        f"{path}:{node.name}": {method.name: bool(ast.get_docstring(method)) for method in _methods(node)}
        for name in names
        for path in _files(name)
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ClassDef) and any("Protocol" in ast.unparse(base) for base in node.bases)
    }


def _files(name: str) -> list[Path]:
    return [path for path in sorted((ROOT / name).rglob("*.py")) if "_pb2" not in path.name]


def _methods(node: ast.ClassDef) -> list[Function]:
    return [inner for inner in node.body if isinstance(inner, Function)]


def _is_broad(node: ast.ExceptHandler) -> bool:
    kinds = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
    return any(kind is None or ast.unparse(kind) in ("Exception", "BaseException") for kind in kinds)


def _public(module: ast.Module, protocols: dict[str, dict[str, bool]]) -> Iterator[tuple[int, str, bool]]:
    """Line, name, and whether somebody says what it is for."""
    for node in module.body:
        if isinstance(node, Documented) and not node.name.startswith("_"):
            yield node.lineno, node.name, bool(ast.get_docstring(node))
            if isinstance(node, ast.ClassDef):
                elsewhere = _said_elsewhere(node, protocols)
                for method in _methods(node):
                    if not method.name.startswith("_"):
                        said = bool(ast.get_docstring(method)) or method.name in elsewhere
                        yield method.lineno, f"{node.name}.{method.name}", said


def _said_elsewhere(node: ast.ClassDef, protocols: dict[str, dict[str, bool]]) -> set[str]:
    own = {method.name for method in _methods(node)} | set(_attributes(node))
    if any(ast.unparse(base).endswith("Servicer") for base in node.bases):
        return {name for name in own if name[0].isupper()}
    fulfilled = [methods for methods in protocols.values() if methods and methods.keys() <= own]
    return {name for methods in fulfilled for name, said in methods.items() if said}


def _attributes(node: ast.ClassDef) -> Iterator[str]:
    """What the class or its instances are given: a protocol's property may be one."""
    for inner in ast.walk(node):
        for target in inner.targets if isinstance(inner, ast.Assign) else [getattr(inner, "target", None)]:
            for name in target.elts if isinstance(target, ast.Tuple) else [target]:
                if isinstance(name, ast.Attribute) and ast.unparse(name.value) == "self":
                    yield name.attr
                elif isinstance(name, ast.Name) and inner in node.body:
                    yield name.id


def main() -> None:
    """Prints the table."""
    options = argparse.ArgumentParser(prog="python -m workbench.house", description=__doc__)
    options.add_argument("--names", action="store_true", help="every class, except and name that is counted")
    protocols = protocols_of(PACKAGES)
    packages = {name: measured(name, protocols) for name in PACKAGES}
    whole = sum(packages.values(), Package())
    heads = (
        "lines",
        "functions",
        "median",
        "p90",
        f"> {MOST_METHODS} methods",
        "broad excepts",
        "silent names",
    )
    print(f"{'package':<12}" + "".join(f"{head:>14}" for head in heads))
    for name, package in [*packages.items(), ("all", whole)]:
        print(package.row(name))
    if options.parse_args().names:
        print(*whole.large_classes, *whole.broad_excepts, *whole.silent, sep="\n")


if __name__ == "__main__":
    main()
