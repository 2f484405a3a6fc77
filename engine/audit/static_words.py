"""What a piece of syntax says: signs, names, slices."""

import ast
import re

# Names of what is to be learned, and may therefore be made of later bars.
TARGET = re.compile(
    r"(?:^|_)(?:y|targets?|labels?|outcomes?|futures?|forwards?|fwd|realised|realized|truth)(?:_|$)",
    re.IGNORECASE,
)
TRAINING = re.compile(r"train|past|hist|fit|window|before|known|calib|sample|fold", re.IGNORECASE)
TEST = re.compile(r"(?:^|_)tests?(?:_|$)|holdout|hold_out|out_of_sample|oos", re.IGNORECASE)


def attribute_path(node: ast.expr) -> list[str]:
    """``self.data.close`` as its words; calls and subscripts inside are passed through."""
    words: list[str] = []
    while True:
        if isinstance(node, ast.Attribute):
            words.append(node.attr)
            node = node.value
        elif isinstance(node, ast.Call):
            node = node.func
        elif isinstance(node, ast.Subscript):
            node = node.value
        else:
            break
    if isinstance(node, ast.Name):
        words.append(node.id)
    return words[::-1]


def negative(node: ast.expr | None) -> bool:
    """Whether an expression begins with a minus."""
    return isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub)


def positive(node: ast.expr) -> bool:
    """Whether an expression is a whole number above zero."""
    return isinstance(node, ast.Constant) and isinstance(node.value, int) and node.value > 0


def is_reversed(node: ast.expr) -> bool:
    """``x[::-1]``, ``x.iloc[::-1]``, ``np.flip(x)``, ``reversed(x)``."""
    if isinstance(node, ast.Call):
        path = attribute_path(node.func)
        axis = keyword(node, "axis", "dims") or (node.args[-1] if node.args else None)
        along_time = constant(axis) in (None, 0)
        return path[-1:] in (["flip"], ["flipud"], ["reversed"]) and along_time
    if not isinstance(node, ast.Subscript):
        return False
    part = node.slice.elts[0] if isinstance(node.slice, ast.Tuple) else node.slice
    return isinstance(part, ast.Slice) and negative(part.step)


def reduced(node: ast.expr, how: str) -> str:
    """What ``x.mean()`` or ``np.mean(x)`` is taken of, dumped; empty where an axis is given."""
    if not isinstance(node, ast.Call) or node.keywords:
        return ""
    path = attribute_path(node.func)
    if path[-1:] not in ([how], [f"nan{how}"]):
        return ""
    if node.args:
        return ast.dump(node.args[0]) if path[0] in ("np", "numpy") and len(node.args) == 1 else ""
    return ast.dump(node.func.value) if isinstance(node.func, ast.Attribute) else ""


def keyword(node: ast.Call, *names: str) -> ast.expr | None:
    """Value of the first keyword of these names."""
    return next((one.value for one in node.keywords if one.arg in names), None)


def constant(node: ast.expr | None) -> object:
    """Value of a literal, None for anything else."""
    return node.value if isinstance(node, ast.Constant) else None


def names_in(node: ast.expr) -> str:
    """Every name and attribute of an expression, in one text."""
    words = [part.id for part in ast.walk(node) if isinstance(part, ast.Name)]
    words += [part.attr for part in ast.walk(node) if isinstance(part, ast.Attribute)]
    return " ".join(words)


def has_slice(node: ast.expr) -> bool:
    """Whether part of something is taken: ``x[:n]``, ``x.iloc[a:b]``."""
    return any(isinstance(part, ast.Slice | ast.Subscript) for part in ast.walk(node))
