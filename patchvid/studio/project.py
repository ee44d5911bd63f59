"""Project files: a ``.zip`` of the clip's path, the paint and the settings, which opens again.

Anyone may have written such a file. Only members with known names are read, never unpacked into a
folder, and their size must fit the clip.
"""

import io
import json
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

import patchvid
from patchvid.studio import clips
from patchvid.studio.clips import Clip
from patchvid.studio.errors import Refused
from patchvid.studio.paint import MODES
from patchvid.studio.session import Session

VERSION = 1
MEMBER, CLIP = "project.json", "clip/"
MOST_FRAMES = 100_000


def save(session: Session) -> bytes:
    """Return the project of a session as a ZIP file."""
    file = io.BytesIO()
    with session.lock, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        clip = session.clip
        project = {
            "patchvid": patchvid.__version__, "version": VERSION, "clip": _where(clip),
            "name": clip.name, "fps": clip.fps, "shape": clip.shape, "scene": session.scene,
            "palette": session.palette, "settings": session.settings,
            "layers": {
                name: {"mode": layer.mode, "frames": sorted(layer.keys)}
                for name, layer in session.layers.items()
            },
        }  # fmt: skip
        archive.writestr(MEMBER, json.dumps(project, indent=2))
        for name, layer in session.layers.items():
            for frame, paint in layer.keys.items():
                archive.writestr(_member(name, frame), _png(paint))
        if clip.is_copy and clip.path is not None:
            archive.write(clip.path, CLIP + clip.path.name)
        elif clip.path is None and clip.commands:
            with archive.open(CLIP + "clip.npy", "w") as member:
                np.lib.format.write_array(member, clip.video, allow_pickle=False)
    return file.getvalue()


def load(session: Session, file: Path) -> None:
    """Replace the clip, the paint and the settings of a session by those of a project."""
    try:
        with zipfile.ZipFile(file) as archive:
            project = json.loads(archive.read(MEMBER))
            if project["version"] != VERSION:
                raise Refused(f"this project needs another patchvid: {project['patchvid']}")
            whole, scene = _clip(session, archive, project), project.get("scene")
            clip = whole if scene is None else whole.scene(scene)
            if list(clip.shape) != project["shape"]:
                raise Refused(f"the clip {clip.name!r} is not the painted one: its size differs")
            layers = {
                name: {
                    frame: _paint(archive.read(_member(name, frame)), clip)
                    for frame in map(int, project["layers"][name]["frames"][:MOST_FRAMES])
                }
                for name in MODES
                if name in project["layers"]
            }
    except (zipfile.BadZipFile, KeyError, TypeError, ValueError, OSError) as error:
        raise Refused(f"this is not a project of the studio: {error}") from error
    with session.lock:
        session.open(whole, scene)
        session.choose_palette(project["palette"])
        for name, keys in layers.items():
            session.layers[name].choose(project["layers"][name]["mode"])
            for frame, paint in keys.items():
                session.put(name, frame, paint)
        settings = project.get("settings")
        session.settings = settings if isinstance(settings, dict) else {}


def _where(clip: Clip) -> str | None:
    """The path of the clip's own file; None for the sample and for clips inside the project."""
    return None if clip.path is None or clip.is_copy else str(clip.path.resolve())


def _clip(session: Session, archive: zipfile.ZipFile, project: dict[str, Any]) -> Clip:
    """The clip of a project, from its own file or from the project."""
    name = str(project["name"])
    held = [member for member in archive.namelist() if member.startswith(CLIP)]
    if project["clip"] is not None:
        path = Path(project["clip"])
        if not path.exists():
            raise Refused(f"the clip of this project is not at {str(path)!r}; put it back there")
        clip = clips.read_clip(path, name=name)
    elif held:
        path = session.folder / f"project_{Path(held[0]).name}"
        path.write_bytes(archive.read(held[0]))
        clip = replace(clips.read_clip(path, name=name, is_copy=True), fps=float(project["fps"]))
    else:
        clip = clips.sample()
    return clip


def _member(layer: str, frame: int) -> str:
    return f"{layer}/{frame:05}.png"


def _png(paint: Any) -> bytes:
    file = io.BytesIO()
    Image.fromarray(paint).save(file, "png")
    return file.getvalue()


def _paint(data: bytes, clip: Clip) -> bytes:
    """The bytes of paint from a PNG."""
    try:
        picture = Image.open(io.BytesIO(data), formats=["png"])
    except OSError as error:
        raise Refused("paint in this project is damaged") from error
    if picture.size != (clip.shape[2], clip.shape[1]):
        raise Refused("paint in this project has another size than its clip")
    return np.asarray(picture.convert("L")).tobytes()
