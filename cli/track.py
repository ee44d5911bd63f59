"""``patchvid track``: follow an object's mask through a clip."""

import json
from pathlib import Path
from typing import Any, Literal

import click

from patchvid.cli import options
from patchvid.cli.analogy_flows import fetch_raft
from patchvid.cli.command import Command
from patchvid.cli.values import Frames, OutputPath, parse_frame_file

EXAMPLES = """\b
Examples:
  patchvid track clip.mp4 --mask 0=hole.png        clip_track.mp4: the mask in every frame
  patchvid track clip.mp4 --mask 0=hole.png --mask 4=hole.png -o moving_mask.mp4
"""


@click.command(cls=Command, epilog=EXAMPLES, short_help="Follow a mask through a clip.")
@click.argument("clip", type=click.Path(path_type=Path))
@options.frames_of("CLIP")
@options.reading_of("CLIP")
@options.option(
    "--mask",
    "masks",
    type=parse_frame_file,
    metavar="FRAME=MASK",
    multiple=True,
    required=True,
    help="Mask of the object in a frame of CLIP: a picture that is white on the object. The first "
    "frame is 0. Further masks correct the result; repeatable.",
)
@options.option(
    "--flow",
    type=click.Choice(["auto", "raft", "classical"]),
    default="auto",
    help="How to estimate motion; auto is raft if its weights are here (see --download).",
)
@options.option(
    "--flow-weights",
    metavar="WEIGHTS",
    help="Weights of RAFT: raft_small, raft_large, or a .pth, .npz or .onnx file.  [default: "
    "the environment variable PATCHVID_RAFT, or raft_small]",
)
@options.download
@options.option(
    "-o",
    "--output",
    type=OutputPath(),
    help="Video, .npz or .npy file, or a folder for frames.  [default: named after CLIP and the "
    "command, in the current folder]",
)
@options.overwrite
@options.as_json
@options.quiet
@options.device
def track(
    clip: Path,
    frames: Frames,
    max_size: int | None,
    fps: float | None,
    depth: int | None,
    tone_map: bool,
    strict: bool,
    masks: tuple[tuple[int, Path], ...],
    flow: Literal["auto", "raft", "classical"],
    flow_weights: str | None,
    download: bool,
    output: Path | None,
    overwrite: bool,
    as_json: bool,
    quiet: bool,
    device: str,
) -> None:
    """Follow an object through CLIP from its mask in one frame, or in a few.

    Use the output with patchvid inpaint --mask. A warning names the frames in which the object was
    lost: add a mask for one of them. A black mask says that the object is out of sight.
    """
    import numpy as np

    import patchvid
    from patchvid.cli.inputs import Reading, check_exists, number_in_use, read_clip
    from patchvid.cli.outputs import default_name
    from patchvid.io.masks import read_masks
    from patchvid.io.writing import check_target

    check_exists(clip, *(path for _, path in masks))
    path = output or default_name(clip, "_track")
    check_target(path, overwrite=overwrite)
    if download and flow != "classical":
        fetch_raft(flow_weights, quiet=quiet)
    how = Reading(max_size, fps, depth, tone_map, strict, preview=False, quiet=quiet)
    read = read_clip(clip, frames, how)
    given = {}
    for number, file in masks:
        mask: Any = read_masks(
            f"the mask {str(file)!r}", [file], [], (1, *read.whole[1:]), (0, None)
        )
        place = number_in_use("--mask", number, file, clip, frames, len(read.video))
        given[place] = patchvid.resize(mask, (1, *read.video.shape[1:3]))[0, ..., 0]
    found = patchvid.track(
        read.video, given, flow=flow, flow_weights=flow_weights, device=device,
        progress=False if quiet else None,
    )  # fmt: skip
    video = np.where(found, np.uint8(255), np.uint8(0))[..., None]
    patchvid.write_video(path, video, fps=read.fps, overwrite=overwrite)
    if as_json:
        click.echo(json.dumps({"file": str(path), "shape": video.shape}, indent=2))
    elif not quiet:
        click.echo(f"{path}: {'x'.join(map(str, video.shape[:3]))}")
