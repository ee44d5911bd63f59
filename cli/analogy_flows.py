"""Options for optical flow in ``patchvid analogy``, and where the flows come from."""

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from patchvid.cli.command import is_typed
from patchvid.cli.options import download, option, together
from patchvid.cli.values import Frames

if TYPE_CHECKING:
    from numpy.typing import NDArray

flow_options = together(
    option(
        "--flow",
        type=click.Choice(["auto", "raft", "classical"]),
        default="auto",
        help="How to estimate motion; auto is raft if its weights are here (see --download).",
    ),
    option(
        "--flow-weights",
        metavar="WEIGHTS",
        help="Weights of RAFT: raft_small, raft_large, or a .pth, .npz or .onnx file.  [default: "
        "the environment variable PATCHVID_RAFT, or raft_small]",
    ),
    download,
    option(
        "--content-flow",
        type=click.Path(path_type=Path),
        help="Optical flow of CONTENT: .npz, .npy or a folder of .flo files, for all frames or "
        "those of --frames, at CONTENT's size or larger.  [default: estimated]",
    ),
    option(
        "--style-flow",
        type=click.Path(path_type=Path),
        help="Optical flow of STYLE, likewise.  [default: estimated]",
    ),
)


def check_flow_options(
    structure: str,
    flow: str,
    weights: str | None,
    *,
    given: bool,
    preview: bool,
    fetching: bool,
) -> None:
    """Refuse options that have no effect together; `given` says whether there are flow files."""
    if given and preview:
        raise click.UsageError(
            "--preview leaves out frames, so it cannot use --content-flow and --style-flow."
        )
    if given and structure != "flow":
        raise click.UsageError("--content-flow and --style-flow need --structure flow.")
    if structure != "flow" and is_typed("flow"):
        raise click.UsageError(f"--structure {structure} uses no flow; leave --flow out.")
    if weights and (structure != "flow" or flow == "classical"):
        raise click.UsageError("RAFT is not used with these options; leave --flow-weights out.")
    if fetching and (structure != "flow" or flow == "classical"):
        raise click.UsageError("RAFT is not used with these options; leave --download out.")


def fetch_raft(weights: str | None, *, quiet: bool) -> None:
    """Fetch the weights of RAFT, if they are published, with their own progress bar."""
    from patchvid import fetch_weights
    from patchvid.motion.optical_flow import RAFT_NAMES, RAFT_VARIABLE

    name = weights or os.environ.get(RAFT_VARIABLE) or RAFT_NAMES[0]
    if name in RAFT_NAMES:
        fetch_weights(name, progress=False if quiet else None)


def analogy_with_flows(
    method: str, files: Mapping[str, Path | None], frames: Sequence[Frames]
) -> Callable[..., Any]:
    """Return `patchvid.analogy` with flows from files, by option, or estimated by a method.

    `frames` are the frames of content and of style in use. Flow estimated for the first sample
    serves the next ones.
    """
    from patchvid import analogy, read_flow

    from_files = [path and read_flow(path) for path in files.values()]
    flows: list[Any] = []

    def make(content: Any, *, style: Any, **settings: Any) -> Any:
        if not flows:
            read = zip(files, from_files, (content, style), frames, strict=True)
            flows[:] = [method if f is None else _fit(name, f, *clip) for name, f, *clip in read]
        result = analogy(content, style, flow=flows, **settings)
        estimated = [structure.flow for structure in result.structures]
        flows[:] = [method if flow is None else flow for flow in estimated]
        return result

    return make


def _fit(name: str, flow: Any, clip: "NDArray[Any]", frames: Frames) -> Any:
    """Return the flow of the frames of a clip in use, at the clip's size.

    `flow` may cover all frames of the file or only those in use, and may be larger than the clip.
    """
    import numpy as np

    from patchvid import resize

    n_pairs, height, width = len(clip) - 1, *clip.shape[1:3]
    first = 0 if len(flow) == n_pairs else frames[0]
    used = flow[first : first + n_pairs]
    scale = np.array([width / flow.shape[2], height / flow.shape[1]], np.float32)
    error = abs(scale[0] * flow.shape[1] - height)  # rounded sides may differ by a pixel
    if len(used) != n_pairs or scale.max() > 1 or error > 1:
        raise click.UsageError(
            f"{name} is {'x'.join(map(str, flow.shape[:3]))}, which does not fit a clip of "
            f"{'x'.join(map(str, clip.shape[:3]))}."
        )
    return used if (scale == 1).all() else resize(used, (n_pairs, height, width)) * scale
