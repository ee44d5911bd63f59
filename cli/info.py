"""``patchvid info``: the versions and devices that a bug report should state."""

import json
from typing import Any

import click

from patchvid.cli import options
from patchvid.cli.command import Command

PACKAGES = ("numpy", "numba", "imageio", "av", "onnxruntime", "distributed")


@click.command(cls=Command)
@options.as_json
def info(as_json: bool) -> None:
    """Show versions, devices and threads."""
    rows = facts()
    if as_json:
        click.echo(json.dumps(rows, indent=2))
        return
    for name, value in rows.items():
        click.echo(f"{name:14}{value}")


def facts() -> dict[str, str]:
    """Return the versions of the libraries in use, and the machine they run on."""
    import os
    import platform
    from importlib import import_module, metadata
    from importlib.util import find_spec

    from patchvid import __version__

    numba: Any = import_module("numba")
    llvm: Any = import_module("llvmlite.binding")
    rows = {"patchvid": __version__, "python": platform.python_version()}
    for package in PACKAGES:
        try:
            rows[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            rows[package] = "not installed"
    # CuPy's distributions have several names. To find them, all others are read, which takes time.
    packages = metadata.packages_distributions() if find_spec("cupy") else {}
    installed = [f"{name} {metadata.version(name)}" for name in packages.get("cupy", [])]
    rows["cupy"] = ", ".join(installed) or "not installed"
    cpu = f"{platform.machine()} {llvm.get_host_cpu_name()}"
    rows["cpu"] = f"{cpu}, {os.cpu_count()} cores, {numba.get_num_threads()} threads"
    rows["cuda"], rows["cuda kernels"] = _gpu(), _form()
    return rows


def _gpu() -> str:
    """Return the name of the GPU that "auto" uses, or the reason why none is used."""
    from patchvid.kernels import why_no_gpu

    if problem := why_no_gpu():
        return f"not used: {problem}"
    import cupy

    properties = cupy.cuda.runtime.getDeviceProperties(cupy.cuda.Device().id)
    memory = properties["totalGlobalMem"] / 2**30
    return f"{properties['name'].decode()}, {memory:.0f} GiB"


def _form() -> str:
    """Return the form of the CUDA kernels in use, and whether the one in Numba works."""
    from patchvid.kernels import cuda_form, form_problem, why_no_gpu, why_no_numba

    if problem := form_problem():
        return problem
    problem = "there is no GPU" if why_no_gpu() else why_no_numba()
    return f"{cuda_form()}; numba " + (f"does not work: {problem}" if problem else "works")
