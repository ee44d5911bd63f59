"""Build the studio's jobs: follow paint through a clip, and make videos."""

import secrets
import shlex
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import patchvid
from patchvid._convert import LUMA
from patchvid._progress import Progress, part_of
from patchvid.io.masks import read_masks
from patchvid.io.sequences import ARRAYS
from patchvid.studio.clips import Clip, nearest, preview_of
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
        _follow(session, name, session.clip, layer.copy(), progress)

    return session.queue.add("Follow", work)


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
        late = [layer for layer in layers if layers[layer].needs_following(len(clip.video))]
        share = FOLLOWING if late else 0.0
        for number, layer in enumerate(late):
            told = part_of(progress, share * number / len(late), share * (number + 1) / len(late))
            layers[layer] = _follow(session, layer, clip, layers[layer], told)
        inputs = _Inputs(session, clip, style if task.needs == "style" else None, layers, colours)
        _make(session, job, task, settings, inputs, part_of(progress, share, 1), preview=preview)

    label = f"{task.title}, preview" if preview else task.title
    return session.queue.add(label, work, is_preview=preview)


def _check_ready(
    task: Task,
    settings: Mapping[str, Any],
    layers: Mapping[str, Layer],
    style: Clip | None,
    clip: Clip,
) -> None:
    if task.needs == "paint" and not any(layer.keys for layer in layers.values()):
        raise Refused("paint the object to remove, or paint a colour where one should appear")
    if task.needs == "style" and style is None:
        raise Refused("choose the clip with the look")
    size = settings.get("size")
    if task.needs == "size" and size in (None, clip.shape) and not settings["loop"]:
        raise Refused("choose another width, height or length")


def _follow(session: Session, name: str, clip: Clip, layer: Layer, progress: Progress) -> Layer:
    """Follow the paint of a layer, and keep the mask unless the paint has changed."""
    keys = {frame: paint > 127 for frame, paint in layer.keys.items()}
    layer.followed = patchvid.track(clip.video, keys, progress=progress)
    with session.lock:
        current = session.layers[name]
        same = session.clip is clip and current.keys.keys() == layer.keys.keys()
        if same and all(current.keys[frame] is layer.keys[frame] for frame in layer.keys):
            current.followed = layer.followed
    return layer


class _Inputs:
    """The inputs of a job, in full and as a preview, and the files that hold them."""

    def __init__(
        self,
        session: Session,
        clip: Clip,
        style: Clip | None,
        layers: Mapping[str, Layer],
        colours: Sequence[Colour],
    ) -> None:
        self.clip, self.style = clip, style
        self._folder, self._colours = session.folder, colours
        shape = clip.video.shape
        self._paint = {name: x.all(shape) for name, x in layers.items() if x.keys}

    def videos(self, *, preview: bool) -> tuple[NDArray[Any], dict[str, Any]]:
        """Return the clip, and the other inputs by the names of arguments."""
        video = preview_of(self.clip.video) if preview else self.clip.video
        others: dict[str, Any] = {}
        for name, paint in self._paint.items():
            paint = nearest(paint, video.shape) if preview else paint
            if name == "cue":
                others["cue"] = with_colours(video, paint, self._colours)
            else:
                others["keep" if name == "keep" else "mask"] = as_mask(paint)
        if "cue" in others and "mask" in others:
            hole = (others["cue"] != video).any(axis=3)
            others["mask"] = np.where(hole, others["mask"].dtype.type(1), others["mask"])
        for name in {"mask", "keep"} & set(others):
            others[name] = self._as_read(name, others[name], video.shape)
        if self.style is not None:
            others["style"] = preview_of(self.style.video) if preview else self.style.video
        return video, others

    def files(self) -> dict[str, NDArray[Any]]:
        """Return the arrays that a command line reads, by the names of their options."""
        _, others = self.videos(preview=False)
        return {
            name: as_mask(array[..., 0]) if name in ("mask", "keep") else array
            for name, array in others.items()
            if name != "style"
        }

    def _as_read(self, name: str, mask: NDArray[Any], shape: Sequence[int]) -> NDArray[np.uint8]:
        """Return a mask as the command line reads it, so that results are the same."""
        path = self._folder / "mask.npz"
        patchvid.write_video(path, mask[..., None], overwrite=True)
        read = read_masks(name, [path], [], shape, (0, None))
        assert read is not None
        return read


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
    preview: bool,
) -> None:
    """Make the samples of a task, and keep each as soon as it is done."""
    clip = inputs.clip
    video, others = inputs.videos(preview=preview)
    ratios = [m / n for n, m in zip(clip.shape, video.shape)]
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
    if "mask" in others and "cue" in others and "grow" not in arguments:
        arguments["grow"] = 0
    files = {} if preview else inputs.files()
    for number in range(samples):
        told = part_of(progress, number / samples, (number + 1) / samples)
        made = task.make(video, seed=seed + number, progress=told, **others, **arguments)
        name = f"{clip.stem}{task.ending}_{job.number}" + (f"_{number + 1}" if samples > 1 else "")
        result = Clip(
            f"{name}.npz", made, clip.fps * ratios[0], info=clip.info,
            audio=_sound(task, clip, made),
            commands=_commands(task, settings, seed + number, inputs, files, name, job),
            files={**clip.files, **{_file(x, job): array for x, array in files.items()}},
        )  # fmt: skip
        details = {
            "seed": seed + number,
            "preview": preview,
            "job": job.number,
            "title": task.title,
        }
        job.results.append(session.add(result, details))


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
    for option in files:
        line += [f"--{option}", _file(option, job)]
    line += words(
        task, {**settings, "seed": None} | ({"samples": 1} if "samples" in settings else {})
    )
    line += ["--seed", str(seed), "-o", f"{name}.npz"]
    return (*clip.commands, shlex.join(line))


def _sound(task: Task, clip: Clip, made: NDArray[Any]) -> Path | None:
    """Return the file with sound that fits a result, if any."""
    has_sound = clip.info is not None and clip.info.has_audio
    return clip.path if has_sound and task.keeps_order and len(made) == len(clip.video) else None
