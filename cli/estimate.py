"""The size of a job, told before it begins where it will take long."""

import os

import click

LONG = 10_000_000  # voxels
BYTES_PER_VOXEL = 60  # that a job needs, about


def tell_size(name: str, n_frames: int, size: tuple[int, int]) -> None:
    """Print how large a clip is, the memory it needs, and what would make the job smaller.

    A clip that would not even fit into the machine's memory by itself is refused.
    """
    height, width = size
    n_voxels = n_frames * height * width
    if n_voxels <= LONG:
        return
    needed, there = BYTES_PER_VOXEL * n_voxels, _memory()
    largest, machine = "--max-size", ""
    if there and needed > there / 2:
        fitting = max(width, height) * (there / 2 / needed) ** 0.5
        largest, machine = f"--max-size {int(fitting)}", f" of the {_as_text(there)} here"
    line = (
        f"{name}: {n_frames} frames of {width}x{height} pixels need about {_as_text(needed)} of "
        f"memory{machine}; {largest}, fewer --frames or --preview makes the job smaller"
    )
    if there and 3 * n_voxels > there:
        raise click.ClickException(line)
    click.echo(line, err=True)


def _memory() -> int:
    """Bytes of memory in this machine; 0 where the system does not tell."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return 0


def _as_text(n_bytes: float) -> str:
    return f"{n_bytes / 1e9:.1f} GB" if n_bytes < 1e10 else f"{n_bytes / 1e9:.0f} GB"
