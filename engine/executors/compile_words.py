"""What numba means, in plain words: patterns of its messages, and names of its types."""

import re
from collections.abc import Callable

INSTEAD = "compute it in 'prepare', or pass it through 'params'"

OPCODES = {
    "IMPORT_NAME": "an import inside a function; move it to the top of the file",
    "UNPACK_EX": "taking a sequence apart with a star (a, *rest); use indices",
    "STORE_GLOBAL": "writing a module-level name; what a rule remembers belongs into book.memory",
    "LOAD_BUILD_CLASS": "a class made inside a function; objects have no place in compiled code",
    "STORE_ATTR": "setting an attribute; what a rule remembers belongs into book.memory",
    "DELETE_SUBSCR": "'del' of an element; write the element anew instead",
    "DELETE_ATTR": "'del' of an attribute",
    "LOAD_CLASSDEREF": "a class made inside a function",
    "DICT_UPDATE": "a dict made with **; write its items one by one",
    "DICT_MERGE": "a call with **keywords; name them one by one",
    "SET_UPDATE": "a set made from several; add its elements one by one",
    "GET_AWAITABLE": "await",
    "SEND": "'yield from' or await",
}
"""Instructions of Python that numba has no translation for."""

KINDS = (
    (r"Literal\[str\]\(.*\)|unicode_type", "text"),
    (r"Literal\[int\]\(.*\)|u?int\d+", "a whole number"),
    (r"float\d+", "a number"),
    (r"Literal\[bool\]\(.*\)|bool(ean)?", "true or false"),
    (r"none|NoneType.*", "None"),
    (r"omitted\(.*", "a default"),
    (r"(?:unaligned )?array\(.*?, (\d)d, .*", r"an array of \1 dimensions"),
    (r"(?:reflected )?list\(undefined\).*", "an empty list"),
    (r"(?:reflected )?list\((.*?)\).*", "a list of many "),
    (r"set\((.*?)\).*", "a set of many "),
    (r"DictType\[.*", "a dict"),
    (r"UniTuple.*|Tuple.*", "a tuple"),
    (r"(\w+)\(.* x \d+\)", r"the tuple \1"),
    (r"Record\(.*", "a row of a record array"),
    (r"Module\(<module '([\w.]+)'.*", r"the module \1"),
)


MANY = {"text": "texts", "a whole number": "whole numbers", "a number": "numbers"}


def kind(name: str) -> str:
    """A type of numba's in words."""
    text = name.strip()
    for pattern, words in KINDS:
        found = re.fullmatch(pattern, text, re.DOTALL)
        if found and words.endswith(" of many "):
            inner = kind(found[1])
            return words.replace("many ", MANY.get(inner, inner))
        if found:
            return found.expand(words)
    return text if len(text) <= 60 else f"{text[:57]}..."


def several(names: str) -> str:
    """Types of a call's arguments, in words."""
    parts, depth, start = [], 0, 0
    for i, sign in enumerate(names):
        depth += sign in "([{<"
        depth -= sign in ")]}>"
        if sign == "," and depth == 0:
            parts.append(names[start:i])
            start = i + 1
    parts.append(names[start:])
    return " and ".join(kind(part) for part in parts if part.strip())


def _attribute(found: re.Match[str]) -> str:
    name, owner = found["name"], found["owner"]
    module = re.match(r"Module\(<module '([\w.]+)'", owner)
    if module and module[1].split(".")[0] == "pandas":
        return f"pandas has no place in compiled code; {INSTEAD}"
    if module:
        return f"numba knows no {module[1]}.{name}; {INSTEAD}"
    return f"{kind(owner)} has no {name!r} in compiled code"


def _global(found: re.Match[str]) -> str:
    name, what = found["name"], found["what"]
    if what == "type":
        return (
            f"{name!r} is a class; objects have no place in compiled code, numbers, tuples and "
            "arrays do"
        )
    if what == "function":
        return f"{name!r} is a function that cannot be called here; nor can a rule call itself"
    return (
        f"{name!r} is a {what} of the module; compiled code reads numbers, text, tuples, arrays "
        f"and functions from there and nothing else: {INSTEAD}"
    )


def _no_function(found: re.Match[str]) -> str:
    name, arguments = found["name"], found["arguments"]
    if name == "exception_match":
        return "'except' for one kind of error; write 'except Exception:', or test beforehand"
    verb = {"getitem": "indexing", "setitem": "setting an element"}.get(name, f"{name!r}")
    return f"there is no {verb} for {several(arguments)} in compiled code"


def _opcode(found: re.Match[str]) -> str:
    return OPCODES.get(found[1], f"an instruction numba has no translation for ({found[1]})")


Words = str | Callable[[re.Match[str]], str]

SAYINGS: tuple[tuple[str, Words], ...] = (
    (r"NameError: name '(?P<name>\w+)' is not defined", lambda m: f"{m['name']!r} is not defined"),
    (
        r"Untyped global name '(?P<name>\w+)':? [Cc]annot determine Numba type of "
        r"<class '(?P<what>[\w.]+)'>",
        _global,
    ),
    (r"Untyped global name '(?P<name>\w+)'", lambda m: f"{m['name']!r} cannot be used there"),
    (r"Unknown attribute '(?P<name>\w+)' of type (?P<owner>.+)", _attribute),
    (
        r"Invalid use of BoundFunction\((?P<kind>list|set)\.\w+ for (?P<of>.+?)\) with parameters "
        r"\((?P<what>.*)\)",
        lambda m: (
            f"a {m['kind']} holds values of one kind; this is {kind(m['of'])}, and the value is "
            f"{several(m['what'])}"
        ),
    ),
    (
        r"Cannot infer the type of variable '(?P<name>[\w.]+)'.*?imprecise type: "
        r"(?P<kind>list|set|dict)",
        lambda m: f"{m['name'].split('.')[0]!r} is an empty {m['kind']} that nothing is put into, "
        "so its kind is not known",
    ),
    (
        r"Cannot unify (?P<one>.+?) and (?P<two>.+?) for '(?P<name>\w+)",
        lambda m: f"{m['name']!r} is {kind(m['one'])} on one path and {kind(m['two'])} on another; "
        "a name has one kind",
    ),
    (r"Exception object cannot be stored", "'except ... as name'; write 'except Exception:'"),
    (r"f-string|FORMAT_VALUE", "text with a format in it (an f-string); compiled code has no use "
     "for text"),
    (r"unsupported opcode[^(]*\((\w+)\)", _opcode),
    (r"'with \(context manager\)|BEFORE_WITH|SETUP_WITH", "a 'with' block"),
    (r"runaway recursion", "a function that calls itself and never ends in a value of its own"),
    (
        r"(?s)Function\(<(?:built-in )?function (?P<name>\w+).*unexpected keyword argument "
        r"'(?P<key>\w+)'",
        lambda m: f"numba's {m['name']} takes no argument {m['key']!r}",
    ),
    (
        r"cannot index array\(\w+, (?P<has>\d)d, \w+\) with (?P<given>\d+) indices",
        lambda m: f"an array of {m['has']} dimensions is given {m['given']} indices",
    ),
    (
        r"Cannot bind .*? to signature '(?P<wanted>.*?)' due to \"TypeError: (?P<what>.*?)\"",
        lambda m: f"a call of a function that takes {m['wanted']}: {m['what']}",
    ),
    (
        r"Cannot capture the non-constant value associated with variable '(?P<name>\w+)'",
        lambda m: f"a function inside a function that reads {m['name']!r} from outside itself; "
        "hand it over as an argument",
    ),
    (
        r"(?s)No implementation of function Function\(<(?:built-in )?(?:function|intrinsic) "
        r"(?P<name>\w+).*?>>> \w+\((?P<arguments>.*?)\)\n",
        _no_function,
    ),
)  # fmt: skip
"""Pattern of a message -> words, the most telling first."""


def in_words(message: str) -> str:
    """What a message of numba's means; "" where no pattern knows it."""
    for pattern, words in SAYINGS:
        found = re.search(pattern, message)
        if found:
            return words if isinstance(words, str) else words(found)
    return ""
