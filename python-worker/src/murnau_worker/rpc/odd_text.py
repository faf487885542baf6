"""Text that no request may hold: control characters but newline and tab, and what is longer than any text of ours.

Every string of a request is looked at, by the descriptors of its message: a field that is added is looked at too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from murnau_worker.core.errors import WorkerError
from murnau_worker.rpc.read_spec import field_name
from murnau_worker.rpc.refusal import invalid

_ODD = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_VALUES_FILE = "google/protobuf/struct.proto"  # its messages are values: their own fields' names are no part of a path
_WRITTEN_WITHOUT = frozenset({"family_options"})

Path = tuple[str, ...]


def check_text(message: Message, longest: int) -> None:
    """Raises WorkerError `spec.invalid`, naming the field. `longest`: characters of a text."""
    for path, text in texts_of(message):
        odd = _ODD.search(text)
        if odd is not None:
            field = written(path)
            problem = f"{field} must not have {_escaped(odd)} in it (a control character)"
            raise invalid(field, problem, _ODD.sub(_escaped, text[:200]), "characters, newline and tab")
        if len(text) > longest:
            raise _too_long(written(path), text, longest)


def _too_long(field: str, text: str, longest: int) -> WorkerError:
    problem = f"{field} has {len(text)} characters"
    return invalid(field, problem, text[:100], f"at most {longest} characters")


def _escaped(odd: re.Match[str]) -> str:
    return f"\\u{ord(odd[0]):04x}"


def texts_of(message: Message, path: Path = ()) -> Iterator[tuple[Path, str]]:
    """Every text of a message with its place, names of maps included."""
    own = _fields_with_text(message.DESCRIPTOR)
    is_value = message.DESCRIPTOR.file.name == _VALUES_FILE
    for field, value in message.ListFields():
        if field.name in own:
            yield from _texts_in(value, path if is_value else (*path, field.name))


def _texts_in(value: Any, path: Path) -> Iterator[tuple[Path, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Message):
        yield from texts_of(value, path)
    elif isinstance(value, Mapping):
        for key in value:
            yield path, str(key)
            yield from _texts_in(value[key], (*path, str(key)))
    elif not isinstance(value, int | float | bool):
        *before, last = path
        for place, one in enumerate(value):
            yield from _texts_in(one, (*before, f"{last}[{place}]"))


@cache
def _fields_with_text(descriptor: Descriptor) -> frozenset[str]:
    return frozenset(field.name for field in descriptor.fields if _holds_text(field, frozenset()))


def _holds_text(field: FieldDescriptor, above: frozenset[str]) -> bool:
    inner = field.message_type
    if inner is None or inner.full_name in above:
        return field.type == FieldDescriptor.TYPE_STRING
    return any(_holds_text(each, above | {inner.full_name}) for each in inner.fields)


def written(path: Path) -> str:
    """A place as people write it: a spec's and a family's fields without the sections of their messages."""
    if path[:2] == ("start", "spec"):
        return field_name(path[2:])
    return ".".join(name for name in path if name not in _WRITTEN_WITHOUT)
