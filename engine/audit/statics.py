"""Code that usually looks ahead, pointed at by line and column without running it."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tradewind.engine.audit.findings import Check, Finding
from tradewind.engine.audit.static_calls import call_faults
from tradewind.engine.audit.static_rules import RULES
from tradewind.engine.audit.static_words import TARGET, attribute_path, positive, reduced
from tradewind.engine.errors import ConfigError

ACCEPTED = re.compile(r"#.*\baudit:\s*ok\b")
PRICES = frozenset(("open", "high", "low", "close", "volume"))


@dataclass(slots=True)
class Reader(ast.NodeVisitor):
    """Walks a module and collects faults as (node, rule)."""

    found: list[tuple[ast.expr, str]] = field(default_factory=list)
    targets: list[str] = field(default_factory=list)  # names that what is read is stored under

    @property
    def in_a_label(self) -> bool:
        """Whether what is being read becomes an outcome to learn, which may look ahead."""
        return any(TARGET.search(name) for name in self.targets)

    def _named(self, node: ast.AST, names: list[str]) -> None:
        self.targets.extend(names)
        self.generic_visit(node)
        del self.targets[len(self.targets) - len(names) :]

    def visit_Assign(self, node: ast.Assign) -> None:
        """Remember what is assigned to."""
        self._named(node, [name for target in node.targets for name in _names(target)])

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        """Remember what is assigned to."""
        self._named(node, list(_names(node.target)))

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        """A function called ``labels`` makes labels."""
        self._named(node, [node.name])

    def visit_keyword(self, node: ast.keyword) -> None:
        """``assign(target=...)``."""
        self._named(node, [node.arg or ""])

    def visit_Call(self, node: ast.Call) -> None:
        """Look a call up in the rules."""
        for rule in call_faults(node):
            if rule in ("shift", "diff", "roll") and self.in_a_label:
                continue
            self.found.append((node, rule))
        self.generic_visit(node)

    def visit_BinOp(self, node: ast.BinOp) -> None:
        """``(x - x.mean()) / x.std()``."""
        if isinstance(node.op, ast.Div) and isinstance(node.left, ast.BinOp):
            minus = node.left
            mean, std = reduced(minus.right, "mean"), reduced(node.right, "std")
            if isinstance(minus.op, ast.Sub) and mean and mean == std == ast.dump(minus.left):
                self.found.append((node, "z_score"))
        self.generic_visit(node)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        """``panel.close.base``."""
        if node.attr == "base" and set(attribute_path(node.value)) & PRICES:
            self.found.append((node, "base"))
        self.generic_visit(node)

    def visit_Subscript(self, node: ast.Subscript) -> None:
        """``self.data.close[1]``."""
        path = attribute_path(node.value)
        of_line = len(path) > 1 and path[-1] in PRICES and path[0] == "self"
        if of_line and any(part.startswith("data") for part in path) and positive(node.slice):
            self.found.append((node, "next_line"))
        self.generic_visit(node)


def _names(target: ast.expr) -> Iterator[str]:
    for node in ast.walk(target):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def read_code(path: Path) -> list[Finding]:
    """Faults of one file, in order of their lines.

    A line with the comment ``# audit: ok`` is passed over: whoever wrote it has looked.

    Parameters
    ----------
    path : Path

    Raises
    ------
    ConfigError
        If the file cannot be read or is no Python.
    """
    try:
        text = path.read_text("utf-8")
        tree = ast.parse(text, str(path))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None) or 1
        raise ConfigError(f"{path}:{line}: is no Python that can be read: {error}") from None
    reader = Reader()
    reader.visit(tree)
    lines = text.splitlines()
    found = {
        (node.lineno, node.col_offset, rule): node
        for node, rule in reader.found
        if not any(ACCEPTED.search(line) for line in lines[node.lineno - 1 : node.end_lineno])
    }
    return [_finding(path, found[key], key[2], lines) for key in sorted(found)]


def _finding(path: Path, node: ast.expr, name: str, lines: list[str]) -> Finding:
    rule = RULES[name]
    line, column = _place(node)
    return Finding(
        danger=rule.danger,
        severity=rule.severity,
        means="code",
        stage="code",
        part=path.name,
        column=name,
        text=f"{lines[line - 1].strip()[:80]}: {rule.said}",
        advice=rule.instead,
        place=f"{path}:{line}:{column}",
    )


def _place(node: ast.expr) -> tuple[int, int]:
    """Line and column of what is wrong: of a method, where its name stands."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        name = node.func
        end = name.end_col_offset or 0
        return name.end_lineno or node.lineno, max(1, end - len(name.attr) + 1)
    return node.lineno, node.col_offset + 1


def code_files(path: Path) -> list[Path]:
    """A Python file, with the files beside it that it imports; or all below a folder.

    Raises
    ------
    ConfigError
        If there is none.
    """
    if path.is_dir():
        found = sorted(one for one in path.rglob("*.py") if not _hidden(one.relative_to(path)))
        if not found:
            raise ConfigError(f"{path}: holds no Python file to read")
        return found
    if not path.is_file():
        raise ConfigError(f"{path}: no such file or folder; name one with Python code")
    waiting, known = [path], []
    while waiting:
        one = waiting.pop()
        known.append(one)
        waiting += [file for file in _beside(one) if file not in known and file not in waiting]
    return sorted(known)


def _hidden(path: Path) -> bool:
    return any(part.startswith(".") or part == "__pycache__" for part in path.parts)


def _beside(path: Path) -> list[Path]:
    try:
        tree = ast.parse(path.read_text("utf-8"))
    except (OSError, SyntaxError, ValueError):
        return []
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.partition(".")[0])
    files = (path.parent / f"{name}.py" for name in sorted(names))
    return [file for file in files if file.is_file()]


def statics(paths: list[Path]) -> tuple[list[Finding], list[Check]]:
    """Read files of code.

    Parameters
    ----------
    paths : list of Path

    Returns
    -------
    findings : list of Finding
    checks : list of Check
        One for each file.
    """
    findings, checks = [], []
    for path in dict.fromkeys(paths):
        found = read_code(path)
        findings += found
        checks.append(Check("code", "code", path.name, len(RULES), len(found)))
    return findings, checks
