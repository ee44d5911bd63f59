"""Compile the kernels of the CUDA back end for real GPUs on machines without one.

``python tests/support/cuda_compiled.py`` prints registers, stack and instructions of each kernel in
both forms.
"""

import math
import re
import subprocess
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple
from unittest.mock import patch as replaced

Capability = tuple[int, int]
Compiled = tuple[str, str]  # the kind of values, and PTX

BLENDED = [
    *((kind, "float32") for kind in ("uint8", "uint16", "float32")),
    *(("float32", kind) for kind in ("uint8", "uint16")),
    *((kind, kind) for kind in ("uint8", "uint16")),
]


class Resources(NamedTuple):
    """Registers and memory of one thread of a kernel."""

    registers: int
    stack: int  # bytes


class Instructions(NamedTuple):
    """Instructions of one thread of a kernel."""

    instructions: int
    instructions_a_load: float  # in innermost loops that load from memory; NaN without such loops


def compile_numba(capability: Capability) -> Iterator[Compiled]:
    """Compile the kernels of numba.cuda for the types of their arguments."""
    from numba import cuda, types

    from patchvid.kernels import numba_exact, numba_kernels

    size, count = types.UniTuple(types.int64, 3), types.int64
    axes = types.UniTuple(types.boolean, 3)
    geometry = types.Tuple((*[size] * 5, axes, count))
    plan = types.Tuple((count, types.boolean, count, count, count))
    field, costs, flags = (kind[:, :, ::1] for kind in (types.int32, types.float32, types.boolean))
    threshold, totals, counted = (kind[::1] for kind in (types.float32, types.uint64, types.int64))
    device = SimpleNamespace(compute_capability=capability)

    def compiled(kind: object, kernel: Any, *signature: Any) -> Compiled:
        with replaced("numba.cuda.dispatcher.get_current_device", lambda: device):
            ptx, _ = cuda.compile_ptx(kernel.py_func, signature, cc=capability)
        return str(kind), ptx

    real = types.float32
    for name, (sweep, distance) in numba_kernels.SEARCH.items():
        pair = (getattr(types, name)[::1],) * 2
        settings = threshold, totals, geometry, plan, real, real
        yield compiled(name, sweep, *pair, costs, flags, field, costs, *settings)
        yield compiled(name, distance, *pair, field, costs, geometry, real)
    of_parts, reals = (types.float64[:, ::1], types.int32[:, ::1]), types.float32[::1]
    for name, compare in numba_exact.EXACT.items():
        pair = (getattr(types, name)[::1],) * 2
        yield compiled(name, compare, *pair, reals, *of_parts, geometry)
    found = types.int32[::1], reals
    yield compiled("", numba_exact.nearest_kernel, *of_parts, *found, size, size, real, real)
    yield compiled("", numba_kernels.settle_kernel, totals, counted, threshold, count)
    for kind in (types.uint8, types.uint16, types.uint32, types.float32):
        voting, sizes = (field, flags, kind[:, :, :, ::1]), (size, size, axes)
        if kind is not types.float32:
            words = types.uint32[:, ::1]
            yield compiled(kind, numba_kernels.median_kernel, words, *voting, count, *sizes, count)
            yield compiled(kind, numba_kernels.pack_kernel, kind[:, ::1], words)
        if kind is not types.uint32:
            mean = numba_kernels.mean_kernel
            yield compiled(kind, mean, kind[:, ::1], *voting, *sizes, types.boolean)
    for source, made in BLENDED:
        clips = [getattr(types, name)[:, :, :, ::1] for name in (source, made)]
        tables = *[counted] * 3, *[types.float32[:, ::1]] * 3
        blend = numba_kernels.blend_kernel
        yield compiled(f"{source} to {made}", blend, clips[0], *tables, clips[1], count)
    pair = types.UniTuple(size, 2)
    yield compiled("", numba_kernels.carry_kernel, field, field, pair, pair, pair, size)


def compile_cuda_c(capability: Capability, patch: tuple[int, int, int]) -> Iterator[Compiled]:
    """Compile the files of CUDA C for patches of one size."""
    from patchvid.kernels import raw_cuda

    kinds = [
        ("uint32", "search", raw_cuda.search_options(1, "uint32", patch)),
        ("uint32, two", "search", raw_cuda.search_options(2, "uint32", patch)),
        ("float32", "search", raw_cuda.search_options(3, "float32", patch)),
        *(
            (kind, "vote", raw_cuda.vote_options(kind, patch))
            for kind in ("uint8", "uint16", "float32")
        ),
        *((kind, "pack", raw_cuda.pack_options(kind)) for kind in ("uint8", "uint16", "float32")),
        *((" to ".join(pair), "blend", raw_cuda.blend_options(*pair)) for pair in BLENDED),
        ("", "carry", ()),
        ("uint32", "exact", ()),
        ("float32", "exact", ("-DFLOATS",)),
    ]
    for kind, name, options in kinds:
        yield kind, _compile(raw_cuda.source_of(name), capability, options)


@cache
def _compile(source: str, capability: Capability, options: tuple[str, ...]) -> str:
    from cuda.bindings import nvrtc

    def done(result: Any) -> Any:
        error, *values = result
        assert error == nvrtc.nvrtcResult.NVRTC_SUCCESS, error
        return values[0] if values else None

    program = done(nvrtc.nvrtcCreateProgram(source.encode(), b"kernels.cu", 0, [], []))
    architecture = "--gpu-architecture=compute_{}{}".format(*capability)
    encoded = [option.encode() for option in (architecture, "-std=c++17", "-ftz=true", *options)]
    (error,) = nvrtc.nvrtcCompileProgram(program, len(encoded), encoded)
    # NVRTC writes into this buffer, so it must not be one of the single bytes that Python shares.
    log = b" " * (1 + done(nvrtc.nvrtcGetProgramLogSize(program)))
    done(nvrtc.nvrtcGetProgramLog(program, log))
    assert error == nvrtc.nvrtcResult.NVRTC_SUCCESS, log.decode()
    ptx = b" " * done(nvrtc.nvrtcGetPTXSize(program))
    done(nvrtc.nvrtcGetPTX(program, ptx))
    return ptx.rstrip(b"\0").decode()


def resources(ptx: str) -> Iterator[tuple[str, Resources]]:
    """Yield the name of each kernel, without prefix and suffix, and its resources."""
    report, _ = _assemble(ptx)
    sections = re.split(r"Compiling entry function '(\w+)'", report)
    for mangled, section in zip(sections[1::2], sections[2::2]):
        registers, stack = (
            int(found[1])
            for pattern in (r"Used (\d+) registers", r"(\d+) bytes stack frame")
            if (found := re.search(pattern, section))
        )
        yield _name(mangled), Resources(registers, stack)


def instructions(ptx: str) -> Iterator[tuple[str, Instructions]]:
    """Yield the name of each kernel, without prefix and suffix, and its instructions."""
    _, code = _assemble(ptx)
    with tempfile.TemporaryDirectory() as folder:
        binary = Path(folder, "kernels.cubin")
        binary.write_bytes(code)
        listing = _run("nvdisasm", "-c", binary).stdout
    sections = re.split(r"^\.text\.(\w+):$", listing, flags=re.MULTILINE)
    for mangled, section in zip(sections[1::2], sections[2::2]):
        yield _name(mangled), _count(section)


@cache
def _assemble(ptx: str) -> tuple[str, bytes]:
    """Return the report of the assembler and the machine code."""
    architecture = re.search(r"\.target (sm_\d+)", ptx)
    assert architecture
    with tempfile.TemporaryDirectory() as folder:
        source, binary = Path(folder, "kernels.ptx"), Path(folder, "kernels.cubin")
        source.write_text(ptx, encoding="utf-8")
        run = _run("ptxas", "-v", f"-arch={architecture[1]}", source, "-o", binary)
        return run.stderr, binary.read_bytes()


def _name(mangled: str) -> str:
    name = re.search(r"(?:^|\d)([a-z]+)_kernel(?!s)", mangled)
    assert name
    return name[1]


def _count(section: str) -> Instructions:
    """Count the instructions of a kernel, and those for each load in its innermost loops."""
    found: list[str] = []
    labels: dict[str, int] = {}
    loops: list[tuple[int, int]] = []
    for label, instruction in re.findall(r"^(\.L\w+):|^\s+/\*[0-9a-f]+\*/\s+(.*);", section, re.M):
        if label:
            labels[label] = len(found)
            continue
        found.append(instruction)
        jump = re.search(r"\bBRA\b.*\((\.L\w+)\)", instruction)
        if jump and jump[1] in labels:  # backwards
            loops.append((labels[jump[1]], len(found)))
    looped, loads = 0, 0
    for start, stop in loops:
        inner = any(start <= a and b <= stop and (a, b) != (start, stop) for a, b in loops)
        if n := 0 if inner else sum("LDG" in line for line in found[start:stop]):
            looped, loads = looped + stop - start, loads + n
    return Instructions(len(found), looped / loads if loads else math.nan)


def _run(tool: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    from cuda.pathfinder import find_nvidia_binary_utility

    command = [find_nvidia_binary_utility(tool), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=True)


def main() -> None:
    """Print a table."""
    import standin

    standin.install()
    capability, patch = (9, 0), (3, 7, 7)
    fields = Resources._fields + Instructions._fields
    columns = "kernel", "of", "form", *(field.replace("_", " ") for field in fields)
    print("|", " | ".join(columns), "|")
    print("| --- " * len(columns) + "|")
    for form, compiled in (
        ("numba_cuda", compile_numba(capability)),
        ("raw_cuda", compile_cuda_c(capability, patch)),
    ):
        for kind, ptx in compiled:
            counted = dict(instructions(ptx))
            for name, taken in resources(ptx):
                numbers = " | ".join(f"{n:.4g}" for n in taken + counted[name])
                print(f"| {name} | {kind} | {form} | {numbers} |")


if __name__ == "__main__":
    main()
