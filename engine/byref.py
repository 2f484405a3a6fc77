"""Tuples of arrays, handed to compiled functions by reference.

numba hands a tuple over word by word, seven words for each array in it: with a hundred arrays a
call costs microseconds, and compiling takes minutes. :func:`byref` leaves the tuple where it is, on
the stack of the loop that holds it, and hands over its address; a field is read from there, and a
tuple inside it is again an address.
"""

from hashlib import sha256
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils as _cgutils
from numba.core.datamodel import models
from numba.core.typing.templates import AttributeTemplate
from numba.extending import infer_getattr, intrinsic, lower_getattr_generic, register_model

cgutils: Any = _cgutils  # numba's inside has no types
unliteral: Any = types.unliteral


class Reference(types.Type):
    """Address of a named tuple on somebody's stack."""

    def __init__(self, pointee: Any) -> None:
        self.pointee = pointee
        # The names of compiled functions have those of their types in them, in a text that is
        # parsed: whole, they are most of it.
        seal = sha256(str(pointee).encode()).hexdigest()[:16]
        super().__init__(name=f"Reference({pointee.name.split('(')[0]}, {seal})")


@register_model(Reference)
class ReferenceModel(models.OpaqueModel):
    """One untyped pointer."""


def _field(context: Any, builder: Any, kind: Any, pointer: Any, name: str) -> tuple[Any, Any]:
    """(address, type) of a field; the tuple lies there in the form its values have."""
    at = kind.pointee.fields.index(name)
    whole = context.get_value_type(kind.pointee)
    address = builder.bitcast(pointer, whole.as_pointer())
    return cgutils.gep_inbounds(builder, address, 0, at), kind.pointee.types[at]


@infer_getattr
class ReferenceAttributes(AttributeTemplate):
    """A field of a tuple that is a tuple itself is an address again."""

    key = Reference

    def generic_resolve(self, kind: Any, name: str) -> Any:  # type: ignore[override]
        """Type of a field, None where there is none."""
        if name not in kind.pointee.fields:
            return None
        found = kind.pointee.types[kind.pointee.fields.index(name)]
        return Reference(found) if isinstance(found, types.NamedTuple) else unliteral(found)


@lower_getattr_generic(Reference)  # type: ignore[no-untyped-call,untyped-decorator]
def read_field(context: Any, builder: Any, kind: Any, pointer: Any, name: str) -> Any:
    """Load a field, or find the address of the tuple in it."""
    address, found = _field(context, builder, kind, pointer, name)
    if isinstance(found, types.NamedTuple):
        return builder.bitcast(address, ir.IntType(8).as_pointer())
    return context.cast(builder, builder.load(address), found, unliteral(found))


def _byref(context: Any, given: Any) -> Any:
    """Address of a named tuple, which must outlive the use of it."""
    del context
    if isinstance(given, Reference):
        return given(given), lambda context, builder, signature, arguments: arguments[0]

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        del context, signature
        place = cgutils.alloca_once_value(builder, arguments[0])
        return builder.bitcast(place, ir.IntType(8).as_pointer())

    return Reference(given)(given), build


byref: Any = intrinsic(_byref)
