"""Pickles, read without executing anything.

A pickle is a program for a stack machine, and may call any function that it names. This interpreter
knows the few instructions that checkpoints need, and calls only functions from its caller's table.

Reference: the standard library's ``pickletools``, which describes all instructions.
"""

import pickletools
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO

from patchvid.errors import InvalidInput

_PUSH = {  # these push their argument
    *("BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT"),
    *("BINUNICODE", "BINSTRING", "SHORT_BINSTRING"),
}
_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "EMPTY_TUPLE": ()}
_LARGEST_KEY = 2**31
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}


def unpickle(
    file: BinaryIO, names: Mapping[str, Any], load_persistent: Callable[[Any], Any]
) -> Any:
    """Read the next pickle of a file: numbers, strings, tuples, lists and dictionaries.

    Parameters
    ----------
    file : binary file
        It is read up to the end of the pickle.
    names : mapping of str
        The objects for names in the pickle, by ``module.name``. The pickle may call those that are
        callable, with any arguments.
    load_persistent : callable
        Called with every persistent id; returns the object for it.

    Returns
    -------
    object
        The unpickled object. Attributes that the pickle sets on objects are left out.

    Raises
    ------
    InvalidInput
        If the pickle has a name that is not in `names`.
    Exception
        Nearly any other, if the pickle is damaged or has instructions for other objects.
    """
    machine = _Machine(names, load_persistent)
    for opcode, argument, _ in pickletools.genops(file):
        name = opcode.name
        if name in _PUSH:
            machine.stack.append(argument)
        elif name in _CONSTANTS:
            machine.stack.append(_CONSTANTS[name])
        elif name in _TUPLES:
            machine.make_tuple(_TUPLES[name])
        elif name in _INSTRUCTIONS:
            _INSTRUCTIONS[name](machine, argument)
        else:
            raise ValueError(f"its pickle has {name}, which no tensors need")
    (result,) = machine.stack
    return result


class _Machine:
    """The state of the interpreter, and one method for each instruction that changes it."""

    def __init__(self, names: Mapping[str, Any], load_persistent: Callable[[Any], Any]) -> None:
        self.names, self.load_persistent = names, load_persistent
        self.stack: list[Any] = []
        self.below: list[list[Any]] = []  # stacks from before each mark
        self.memo: list[Any] = []

    def ignore(self, _: Any) -> None:
        """Skip PROTO, whose version number is not needed, and STOP."""

    def mark(self, _: Any) -> None:
        self.below.append(self.stack)
        self.stack = []

    def pop_mark(self) -> list[Any]:
        items, self.stack = self.stack, self.below.pop()
        return items

    def put(self, number: int) -> None:
        if number != len(self.memo):  # pickles count up
            raise ValueError(f"its pickle numbers an object {number}, out of order")
        self.memo.append(self.stack[-1])

    def get(self, number: int) -> None:
        self.stack.append(self.memo[number])

    def make_list(self, _: Any) -> None:
        self.stack.append([])

    def make_dict(self, _: Any) -> None:
        self.stack.append({})

    def make_tuple(self, length: int) -> None:
        items = tuple(self.stack.pop() for _ in range(length))
        self.stack.append(items[::-1])

    def make_tuple_from_mark(self, _: Any) -> None:
        items = self.pop_mark()
        self.stack.append(tuple(items))

    def append(self, _: Any) -> None:
        self.extend([self.stack.pop()])

    def append_from_mark(self, _: Any) -> None:
        self.extend(self.pop_mark())

    def extend(self, items: list[Any]) -> None:
        if type(self.stack[-1]) is not list:
            raise ValueError("its pickle appends to something other than a list")
        self.stack[-1].extend(items)

    def set_item(self, _: Any) -> None:
        value, key = self.stack.pop(), self.stack.pop()
        self.update([key, value])

    def set_items_from_mark(self, _: Any) -> None:
        self.update(self.pop_mark())

    def update(self, items: list[Any]) -> None:
        """Set keys and values, in turn."""
        if type(self.stack[-1]) is not dict:
            raise ValueError("its pickle sets items of something other than a dictionary")
        for key in items[::2]:
            # The hash of nested tuples may take forever, and large numbers may have equal ones.
            if type(key) not in (str, int) or (type(key) is int and abs(key) > _LARGEST_KEY):
                raise ValueError(
                    f"its pickle has a {type(key).__name__} as a key, which no tensors need"
                )
        self.stack[-1].update(zip(items[::2], items[1::2], strict=True))

    def push_name(self, argument: str) -> None:
        name = argument.replace(" ", ".")  # module and name
        if name not in self.names:
            raise InvalidInput(
                f"refused to read weights that ask for {name!r}: tensors do not need it, and it "
                "could do harm; use a file of tensors only"
            )
        self.stack.append(self.names[name])

    def call(self, _: Any) -> None:
        arguments, function = self.stack.pop(), self.stack.pop()
        if not callable(function) or type(arguments) is not tuple:  # only names are callable
            raise ValueError("its pickle calls something other than a function")
        self.stack.append(function(*arguments))

    def drop_attributes(self, _: Any) -> None:
        self.stack.pop()

    def push_persistent(self, _: Any) -> None:
        self.stack.append(self.load_persistent(self.stack.pop()))


_INSTRUCTIONS: dict[str, Callable[[_Machine, Any], None]] = {
    "PROTO": _Machine.ignore,
    "STOP": _Machine.ignore,
    "MARK": _Machine.mark,
    "BINPUT": _Machine.put,
    "LONG_BINPUT": _Machine.put,
    "BINGET": _Machine.get,
    "LONG_BINGET": _Machine.get,
    "EMPTY_LIST": _Machine.make_list,
    "EMPTY_DICT": _Machine.make_dict,
    "TUPLE": _Machine.make_tuple_from_mark,
    "APPEND": _Machine.append,
    "APPENDS": _Machine.append_from_mark,
    "SETITEM": _Machine.set_item,
    "SETITEMS": _Machine.set_items_from_mark,
    "GLOBAL": _Machine.push_name,
    "REDUCE": _Machine.call,
    "BUILD": _Machine.drop_attributes,
    "BINPERSID": _Machine.push_persistent,
}
