"""Warn before a large job, and refuse one that does not fit in memory."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

import click

from patchvid.cli import options
from patchvid.cli.values import parse_memory

LONG = 10_000_000  # voxels
BYTES_OF_HOLE = 8  # of a mask and a filled clip, for each voxel of the clip
BYTES_OF_TOOLS = 150_000_000  # of the compiled kernels and the encoder


memory_option = options.option(
    "--memory",
    type=parse_memory,
    metavar="SIZE",
    help="Most memory to use, such as 4GB. What does not fit goes to files in the folder that "
    "TMPDIR names, or in /var/tmp.  [default: what is free]",
)


class Estimate(NamedTuple):
    """Estimates the memory of a job from its options and its kind: make, fill or vote."""

    settings: Mapping[str, Any]
    kind: Literal["make", "fill", "vote"]
    quiet: bool

    def tell_size(self, name: str, shape: Sequence[int], dtype: str) -> None:
        """Print the size of a clip, the memory it needs, and how to make the job smaller.

        Refuse a job that does not fit into the memory that the machine and its limits leave.

        Parameters
        ----------
        name
            Name of the clip.
        shape
            (t, y, x, c) of the clip as it will be read.
        dtype
            Its type.
        """
        from patchvid.kernels import limits
        from patchvid.kernels.cpu_memory import room

        size = self._output_size(shape)
        n_frames, height, width = map(max, zip(shape, size))
        needed, least = self._needed(shape, size, dtype), room()
        is_refused = bool(limits.check_memory(needed))
        files = (limit := limits.current()) and limit.files
        is_long = math.prod((n_frames, height, width)) > LONG
        if not is_refused and (self.quiet or not (is_long or files)):
            return
        remedy, there = "--max-size", ""
        if least is not None and needed > least.free / 2:
            fitting = max(shape[1:3]) * (least.free / 2 / needed) ** 0.5
            remedy = f"--max-size {max(int(fitting), 1)}"
            there = f", and {least.setter} leaves {_as_text(least.free)} of {_as_text(least.limit)}"
        if files:
            there = f": {_as_text(files.limit)} in memory, and the rest in files in {files.folder}"
        made = "" if size == tuple(shape[:3]) else f" and an output of {'x'.join(map(str, size))}"
        if made and self.settings.get("size"):
            remedy = "a smaller --size"
        line = (
            f"{name}: {shape[0]} frames of {shape[2]}x{shape[1]} pixels{made} need about "
            f"{_as_text(needed)} of memory{there}; {remedy}, fewer --frames or --preview makes the "
            "job smaller"
        )
        if is_refused:
            raise click.ClickException(line)
        click.echo(line, err=True)

    def _output_size(self, shape: Sequence[int]) -> tuple[int, ...]:
        from patchvid.apps._setup import check_output_size

        if "scale" not in self.settings:
            return tuple(shape[:3])
        return check_output_size(shape[:3], self.settings["scale"], self.settings["size"])

    def _needed(self, shape: Sequence[int], size: Sequence[int], dtype: Any) -> int:
        """Bytes of the host's memory: the clip, its output, and on a CPU the work."""
        import numpy as np

        from patchvid._device import backend
        from patchvid.core.plan import footprint

        kernels, itemsize = backend(self.settings["device"]), np.dtype(dtype).itemsize
        held = itemsize * shape[3] * math.prod(shape[:3])
        if kernels.DEVICE != "cpu":
            return held + itemsize * shape[3] * math.prod(size)
        if self.kind == "vote":  # field and share; the layer in words, and its output
            return held + math.prod(shape[:3]) * (8 + 4 * itemsize * shape[3])
        if self.kind == "fill":  # the hole is not yet known; a large one is refused later
            size = (0, 0, 0)
            held += BYTES_OF_HOLE * math.prod(shape[:3]) + BYTES_OF_TOOLS
        return held + footprint(kernels, shape, size, itemsize)


def _as_text(n_bytes: float) -> str:
    return f"{n_bytes / 1e9:.1f} GB" if n_bytes < 1e10 else f"{n_bytes / 1e9:.0f} GB"
