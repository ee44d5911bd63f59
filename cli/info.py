"""``patchvid info``: what a report of a problem should say about the machine."""

from typing import Any

import click

PACKAGES = ("numpy", "numba", "imageio", "av", "onnxruntime", "cupy")


@click.command()
def info() -> None:
    """Show versions, devices and threads."""
    import os
    import platform
    from importlib import import_module, metadata

    from patchvid import __version__

    numba: Any = import_module("numba")
    llvm: Any = import_module("llvmlite.binding")
    rows = {"patchvid": __version__, "python": platform.python_version()}
    for package in PACKAGES:
        try:
            rows[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            rows[package] = "not installed"
    cpu = f"{platform.machine()} {llvm.get_host_cpu_name()}"
    rows["cpu"] = f"{cpu}, {os.cpu_count()} cores, {numba.get_num_threads()} threads"
    rows["cuda"] = _gpu(import_module("numba.cuda"))
    for name, value in rows.items():
        click.echo(f"{name:13}{value}")


def _gpu(cuda: Any) -> str:
    """The GPU that is found, and why it is not used."""
    if not cuda.is_available():
        problem = (cuda.cuda_error() or "no device").strip().splitlines()[0]
        return f"not used: {problem}"
    return f"not used, there are no CUDA kernels yet: {cuda.get_current_device().name.decode()}"
