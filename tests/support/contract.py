"""Wrap a back end so that every call is checked against a table of `patchvid.kernels`."""

import ast
import inspect
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from numbers import Integral
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np

from patchvid.kernels import Function, Spec, rules

Table = dict[str, Function]
Default = inspect.Parameter.empty
NO_AXIS = (False, False, False)


class ContractError(AssertionError):
    """An argument or a result contradicts the table."""


def is_int(value: Any) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool)


def is_seed(value: Any) -> bool:
    return is_int(value) or (isinstance(value, tuple) and all(map(is_int, value)))


def is_flag(value: Any) -> bool:
    return isinstance(value, (bool, np.bool_))


def are_three(check: Callable[[Any], bool], value: Any) -> bool:
    return isinstance(value, tuple) and len(value) == 3 and all(map(check, value))


WORDS: dict[str, Callable[[Any], bool]] = {
    "any": lambda value: True,
    "None": lambda value: value is None,
    "int": is_int,
    "seed": is_seed,
    "float": lambda value: isinstance(value, float),
    "str": lambda value: isinstance(value, str),
    "bool": is_flag,
    "set": lambda value: isinstance(value, set),
    "tuple": lambda value: isinstance(value, tuple),
    "list": lambda value: isinstance(value, list),
    "prepared": lambda value: isinstance(value, rules.Prepared),
    "context": lambda value: isinstance(value, AbstractContextManager),
    "3 int": partial(are_three, is_int),
    "3 bool": partial(are_three, is_flag),
}


def split_default(spec: Spec) -> tuple[Spec, Any]:
    """Split the entry of an argument into its kind and its default, if it has one."""
    if isinstance(spec, tuple) or " = " not in spec:
        return spec, Default
    kind, default = spec.split(" = ")
    return kind, ast.literal_eval(default)


def parameters(function: Function) -> list[tuple[str, Any, bool]]:
    """List name and default of every argument in the table, and whether it is keyword-only."""
    names = list(function.arguments)
    star = names.index("*") if "*" in names else len(names)
    return [
        (name, split_default(spec)[1], number > star)
        for number, (name, spec) in enumerate(function.arguments.items())
        if name != "*"
    ]


def signature_of(function: Callable[..., Any]) -> list[tuple[str, Any, bool]]:
    """List the same for the arguments of a function."""
    return [
        (parameter.name, parameter.default, parameter.kind is parameter.KEYWORD_ONLY)
        for parameter in inspect.signature(function).parameters.values()
    ]


class Call:
    """One call. The first array with a named size or dtype binds it."""

    def __init__(self, xp: Any, name: str, given: dict[str, Any]) -> None:
        self.xp, self.name = xp, name
        self.patch, self.periodic = given.get("patch"), given.get("periodic")
        self.sizes: dict[str, int] = {}
        self.dtypes: dict[str, Any] = {}

    def check(self, name: str, spec: Spec, value: Any) -> None:
        """Compare an argument or a result with its entry in the table."""
        if isinstance(spec, tuple):
            self.hold(isinstance(value, tuple) and len(value) == len(spec), name, spec, value)
            for part, item in zip(spec, value, strict=True):
                self.check(name, part, item)
        elif spec in WORDS:
            self.hold(WORDS[spec](value), name, spec, value)
        elif spec.startswith("("):
            self.hold(isinstance(value, tuple) and all(map(is_int, value)), name, spec, value)
            self.bind(name, spec, spec.strip("()").split(), value)
        else:
            self.check_array(name, spec, value)

    def check_array(self, name: str, spec: str, value: Any) -> None:
        axes, _, dtypes = spec.removesuffix(" or prepared").partition(": ")
        is_prepared = spec.endswith(" or prepared") and isinstance(value, rules.Prepared)
        on_host = dtypes.startswith("host ")
        if not is_prepared:
            kind = np.ndarray if on_host else self.xp.ndarray
            self.hold(isinstance(value, kind), name, spec, type(value))
            is_numpy = type(value) is np.ndarray
            self.hold(is_numpy or not on_host, name, spec, type(value))
            self.hold(value.flags.c_contiguous, name, spec, value.strides)
        allowed = dtypes.removeprefix("host ").split()
        if allowed[0] == "as":
            allowed = [self.dtypes[allowed[1]]]
        self.hold(value.dtype in allowed, name, spec, value.dtype)
        self.dtypes[name] = value.dtype
        if axes.endswith(" or empty"):
            if value.size == 0:
                return
            axes = axes.removesuffix(" or empty")
        if axes != "...":
            self.bind(name, spec, axes.split(), value.shape)

    def bind(self, name: str, spec: Spec, axes: list[str], shape: tuple[int, ...]) -> None:
        """Check every axis against its named size, or bind the name to the size of the axis."""
        if axes[-1] == "...":
            axes = axes[:-1]
            shape = shape[: len(axes)]
        if axes[0] == "n?":
            axes = axes[1:] if len(shape) < len(axes) else ["n", *axes[1:]]
        self.hold(len(axes) == len(shape), name, spec, shape)
        for axis, size in zip(axes, shape, strict=True):
            wanted = int(axis) if axis.isdigit() else self.sizes.setdefault(axis, size)
            self.hold(size == wanted, name, spec, shape)

    def check_patches(self) -> None:
        """Check that each primed size (t') is the number of patches along its axis (t)."""
        for prefix, axes, periodic in (
            ("", "tyx", self.periodic), ("f", "tyx", self.periodic), ("", "TYX", NO_AXIS),
        ):  # fmt: skip
            names = [prefix + axis for axis in axes]
            is_bound = {*names, *(f"{name}'" for name in names)} <= self.sizes.keys()
            if not is_bound or self.patch is None or periodic is None:
                continue
            sizes = [self.sizes[name] for name in names]
            found = tuple(self.sizes[f"{name}'"] for name in names)
            wanted = rules.patch_grid(sizes, self.patch, periodic)
            self.hold(found == wanted, "patches", f"{wanted}", found)

    def hold(self, holds: Any, name: str, spec: Spec, got: Any) -> None:
        if not holds:
            sizes = ", ".join(f"{axis} = {size}" for axis, size in self.sizes.items())
            raise ContractError(f"{self.name}: {name} must be {spec} ({sizes}), got {got}")


def checked(module: ModuleType, table: Table, xp: Any, called: set[str]) -> Any:
    """Wrap the functions of a table so that each call is checked, and leave out all others.

    The names of the functions that are called are added to `called`.
    """

    def wrap(name: str, function: Function) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            bound = inspect.signature(getattr(module, name)).bind(*arguments, **named)
            bound.apply_defaults()
            given = bound.arguments
            call = Call(xp, name, given)
            for argument, spec in function.arguments.items():
                if argument != "*":
                    kind, default = split_default(spec)
                    if given[argument] is not None or default is not None:
                        call.check(argument, kind, given[argument])
            result = getattr(module, name)(*arguments, **named)
            call.check("the result", function.returns, result)
            call.check_patches()
            called.add(name)
            return result

        return call

    wrapped = {name: wrap(name, function) for name, function in table.items()}
    constants = {name: getattr(module, name) for name in ("DEVICE", "xp") if hasattr(module, name)}
    return SimpleNamespace(**constants, **wrapped)
