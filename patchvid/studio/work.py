"""Build the studio's jobs: follow paint through a clip, and make videos."""

import secrets
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import patchvid
from patchvid._convert import LUMA
from patchvid._progress import Progress, part_of
from patchvid.apps.tracking import track_labels
from patchvid.io.sequences import ARRAYS
from patchvid.studio.clips import Clip, preview_step, shrunk
from patchvid.studio.errors import Refused
from patchvid.studio.paint import Layer, Paint
from patchvid.studio.queue import QueuedJob
from patchvid.studio.session import Colour, Session, colours_of
from patchvid.studio.tasks import TASKS, Task, changed, check_settings, words

FOLLOWING = 0.3  # share of the bar for following paint, if that is needed first

Work = Callable[[QueuedJob, Progress], None]


def add_following(session: Session, name: str) -> QueuedJob:
    """Queue a job that makes the paint of a layer follow its object through the clip."""
    layer = session.layer(name)
    if not layer.keys:
        raise Refused("paint in one or more frames, then follow")

    def work(job: QueuedJob, progress: Progress) -> None:
        _follow_in(session, name, session.clip, layer.copy(), progress)

    return session.queue.add("Follow", work)


def add_warm_up(session: Session) -> None:
    """Queue a job that imports and compiles everything that later jobs need."""

    def work(job: QueuedJob, progress: Progress) -> None:
        clip = patchvid.sample_clip()[:4, :32, :48]
        mask = np.zeros(clip.shape[1:3], bool)
        mask[10:20, 10:20] = True

        def told(fraction: float, _: str) -> None:
            progress(fraction, "loading kernels")

        patchvid.track(clip, {0: mask}, flow="classical", progress=part_of(told, 0, 0.2))
        patchvid.inpaint(clip, mask, seed=0, progress=part_of(told, 0.2, 0.4))
        patchvid.generate(clip, seed=0, progress=part_of(told, 0.4, 0.7))
        patchvid.analogy(clip, clip, structure="luma", seed=0, progress=part_of(told, 0.7, 1))

    session.queue.add("Getting ready", work, is_quiet=True)


def add_making(session: Session, name: str, given: Any, *, preview: bool) -> QueuedJob:
    """Queue a job that makes videos of the clip as it is now, with its paint."""
    if name not in TASKS:
        raise Refused(f"there is no task {name!r}")
    task = TASKS[name]
    settings = check_settings(task, given)
    with session.lock:
        clip, style = session.clip, session.style
        layers = {layer: session.layers[layer].copy() for layer in task.layers}
        colours = colours_of(session.palette)
    _check_ready(task, settings, layers, style, clip)

    def work(job: QueuedJob, progress: Progress) -> None:
        inputs = _Inputs(clip, style if task.needs == "style" else None, layers, colours)
        if preview:
            inputs = inputs.shrunk()
        n_frames = len(inputs.clip.video)
        late = [x for x, layer in inputs.layers.items() if layer.needs_following(n_frames)]
        share = FOLLOWING if late else 0.0
        for number, layer in enumerate(late):
            told = part_of(progress, share * number / len(late), share * (number + 1) / len(late))
            if preview:
                _follow(inputs.clip, inputs.layers[layer], told)
            else:
                _follow_in(session, layer, clip, inputs.layers[layer], told)
        _make(session, job, task, settings, inputs, part_of(progress, share, 1), of=clip)

    label = f"{task.title}, preview" if preview else task.title
    return session.queue.add(label, work, is_preview=preview)


def _check_ready(
    task: Task,
    settings: Mapping[str, Any],
    layers: Mapping[str, Layer],
    style: Clip | None,
    clip: Clip,
) -> None:
    if task.needs == "paint" and not any(layers[name].keys for name in ("remove", "cue")):
        raise Refused("paint the object to remove, or paint a colour where one should appear")
    if task.needs == "style" and style is None:
        raise Refused("choose the clip with the look")
    size = settings.get("size")
    if task.needs == "size" and size in (None, clip.shape) and not settings["loop"]:
        raise Refused("choose another width, height or length")


def _follow(clip: Clip, layer: Layer, progress: Progress) -> None:
    """Make the paint of a layer follow its objects."""
    layer.keep_followed(track_labels(clip.video, layer.labels(), progress=progress))


def _follow_in(session: Session, name: str, clip: Clip, layer: Layer, progress: Progress) -> None:
    """Make the paint of a layer follow, and keep the result unless the paint has changed."""
    _follow(clip, layer, progress)
    with session.lock:
        current = session.layers[name]
        same = session.clip is clip and current.keys.keys() == layer.keys.keys()
        if same and all(current.keys[frame] is layer.keys[frame] for frame in layer.keys):
            current.followed, current.lost = layer.followed, layer.lost


@dataclass
class _Inputs:
    """The inputs of a job."""

    clip: Clip
    style: Clip | None
    layers: Mapping[str, Layer]
    colours: Sequence[Colour]

    def shrunk(self) -> "_Inputs":
        """Return the inputs of a preview."""
        clip, step = shrunk(self.clip), preview_step(len(self.clip.video))
        layers = {name: layer.shrunk(step, clip.shape) for name, layer in self.layers.items()}
        return _Inputs(clip, self.style and shrunk(self.style), layers, self.colours)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return masks and cues by the names of arguments and of options."""
        video = self.clip.video
        paint = {name: x.all(video.shape) for name, x in self.layers.items() if x.keys}
        found: dict[str, NDArray[Any]] = {
            {"remove": "mask"}.get(name, name): as_mask(paint[name])
            for name in paint
            if name != "cue"
        }
        if "cue" in paint:
            found["cue"] = with_colours(video, paint["cue"], self.colours)
        if "cue" in found and "mask" in found:
            hole = (found["cue"] != video).any(axis=3)
            found["mask"] = np.where(hole, found["mask"].dtype.type(1), found["mask"])
        return found


def as_mask(paint: Paint) -> NDArray[Any]:
    """Return paint from 0 to 255 as a mask of floats; without greys as zeros and ones."""
    if ((paint == 0) | (paint == 255)).all():
        return (paint > 0).astype(np.uint8)
    return paint / np.float32(255)


def with_colours(video: NDArray[Any], paint: Paint, colours: Sequence[Colour]) -> NDArray[Any]:
    """Return a video (t, y, x, c) with colours painted on it, by their numbers from 1 on."""
    full = 1 if video.dtype.kind == "f" else np.iinfo(video.dtype).max
    table = np.array([(0, 0, 0), *colours], np.float64) / 255 * full
    if video.shape[3] == 1:
        table = table @ np.array(LUMA, np.float64)[:, None]
    if video.shape[3] == 4:
        table = np.concatenate([table, np.full((len(table), 1), full)], axis=1)
    if video.dtype.kind != "f":
        table = np.rint(table)
    return np.where((paint > 0)[..., None], table.astype(video.dtype)[paint], video)


def _make(
    session: Session,
    job: QueuedJob,
    task: Task,
    settings: Mapping[str, Any],
    inputs: _Inputs,
    progress: Progress,
    *,
    of: Clip,
) -> None:
    """Make the samples of a task, and keep each as soon as it is done.

    The clip of the inputs is a preview if it is not the clip `of`.
    """
    clip, preview = inputs.clip, inputs.clip is not of
    ratios = [m / n for n, m in zip(of.shape, clip.shape)]
    arguments = changed(task, settings)
    samples = arguments.pop("samples", 1)
    seed = arguments.pop("seed", None)
    seed = secrets.randbits(32) if seed is None else int(seed)
    if "size" in arguments:
        sizes = (round(n * ratio) for n, ratio in zip(arguments["size"], ratios))
        arguments["size"] = tuple(max(1, n) for n in sizes)
    for name, ratio in (("grow", ratios[1]), ("length", ratios[0]), ("join", ratios[0])):
        if arguments.get(name):
            arguments[name] = max(1, round(arguments[name] * ratio))
    files = inputs.arrays()
    if "mask" in files and "cue" in files and "grow" not in arguments:
        arguments["grow"] = 0
    others = {name: array if name == "cue" else _as_read(array) for name, array in files.items()}
    if inputs.style is not None:
        others["style"] = inputs.style.video
    for number in range(samples):
        told = part_of(progress, number / samples, (number + 1) / samples)
        made = task.make(clip.video, seed=seed + number, progress=told, **others, **arguments)
        name = f"{clip.stem}{task.ending}_{job.number}" + (f"_{number + 1}" if samples > 1 else "")
        result = Clip(
            f"{name}.npz", made, clip.fps, info=clip.info, audio=_sound(task, clip, made),
            commands=_commands(task, settings, seed + number, inputs, files, name, job),
            files={**clip.files, **{_file(x, job): _of_whole(y, clip) for x, y in files.items()}},
        )  # fmt: skip
        details = {
            "seed": seed + number,
            "preview": preview,
            "job": job.number,
            "title": task.title,
        }
        job.results.append(session.add(result, details))


def _as_read(mask: NDArray[Any]) -> NDArray[np.uint8]:
    """Return a mask as the command line reads it from a file, so that results are the same."""
    if mask.dtype == np.uint8:
        return 255 * mask[..., None]
    return np.rint(255 * mask[..., None]).astype(np.uint8)


def _of_whole(array: NDArray[Any], clip: Clip) -> NDArray[Any]:
    """Return a mask or cue of a scene with the length of the clip's file, as command lines need."""
    if clip.part is None:
        return array
    first, stop = clip.part
    return np.pad(array, [(first, clip.length - stop)] + [(0, 0)] * (array.ndim - 1))


def _file(name: str, job: QueuedJob) -> str:
    return f"{name}_{job.number}.npz"


def _commands(
    task: Task,
    settings: Mapping[str, Any],
    seed: int,
    inputs: _Inputs,
    files: Mapping[str, Any],
    name: str,
    job: QueuedJob,
) -> tuple[str, ...]:
    """Return the command lines that make a result: the clip's, and one more."""
    clip = inputs.clip
    line = ["patchvid", task.command, *filter(None, [clip.name])]
    if inputs.style is not None:
        line.append(inputs.style.name)
    if Path(clip.name).suffix in ARRAYS:  # these hold no rate
        line += ["--fps", f"{clip.fps:g}"]
    if clip.part is not None:
        line += ["--frames", f"{clip.part[0]}:{clip.part[1]}"]
    for option in files:
        line += [f"--{option}", _file(option, job)]
    line += words(
        task, {**settings, "seed": None} | ({"samples": 1} if "samples" in settings else {})
    )
    line += ["--seed", str(seed), "-o", f"{name}.npz"]
    return (*clip.commands, shlex.join(line))


def _sound(task: Task, clip: Clip, made: NDArray[Any]) -> Path | None:
    """Return the file with sound that fits a result, if any."""
    has_sound = clip.info is not None and clip.info.has_audio and clip.part is None
    return clip.path if has_sound and task.keeps_order and len(made) == len(clip.video) else None
