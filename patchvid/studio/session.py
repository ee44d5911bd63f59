"""The state of the studio: a clip, paint on it, and the resulting videos."""

import threading
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from patchvid.io.codecs import FORMATS
from patchvid.io.sequences import ARRAYS
from patchvid.studio.clips import Clip
from patchvid.studio.errors import Refused
from patchvid.studio.paint import MODES, Layer, Paint
from patchvid.studio.queue import Queue
from patchvid.studio.tasks import describe_tasks

# The first colours of cues, by the numbers in their paint.
PALETTE = ("#e8482f", "#f2a03d", "#f5e663", "#4f9d4a", "#3f7fd0", "#f4f2ec", "#22242a")

Colour = tuple[int, int, int]


class Session:
    """Everything that a user has in the studio. Hold its lock to change anything in it."""

    def __init__(self, clip: Clip) -> None:
        self._folder = TemporaryDirectory(prefix="patchvid-studio-")
        self.folder = Path(self._folder.name)
        self.lock = threading.RLock()
        self.queue = Queue()
        self.results: dict[int, Clip] = {}
        self.details: dict[int, dict[str, Any]] = {}
        self.settings: dict[str, Any] = {}  # as the forms of the page have them
        self.style: Clip | None = None
        self._count = 0
        self.open(clip)

    def close(self) -> None:
        """End the jobs, and remove the files."""
        self.queue.close()
        self._folder.cleanup()

    def open(self, clip: Clip, scene: Any = None) -> None:
        """Work on another clip or on one of its scenes, counted from 1, without paint."""
        part = clip if scene is None else clip.scene(scene)
        with self.lock:
            self.whole, self.scene, self.clip = clip, scene, part
            self.layers = {name: Layer.named(name) for name in MODES}
            self.palette: list[str] = [*PALETTE]

    def layer(self, name: str) -> Layer:
        """Return a layer by its name."""
        if name not in self.layers:
            raise Refused(f"there is no layer {name!r}")
        return self.layers[name]

    def put(self, name: str, frame: int, paint: bytes) -> None:
        """Replace the paint of a layer in a frame; empty bytes remove it."""
        n_frames, height, width = self.clip.shape
        if not 0 <= frame < n_frames:
            raise Refused(f"there is no frame {frame}")
        if paint and len(paint) != height * width:
            raise Refused(f"paint must have {height * width} bytes, got {len(paint)}")
        array: Paint | None = None
        if paint:
            array = np.frombuffer(paint, np.uint8).reshape(height, width)
            if name == "cue" and int(array.max()) > len(self.palette):
                raise Refused(f"there is no colour {array.max()}")
        with self.lock:
            self.layer(name).put(frame, array)

    def choose_palette(self, colours: Any) -> None:
        """Replace the colours of cues."""
        if not isinstance(colours, list) or not 1 <= len(colours) <= 64:
            raise Refused("a palette must have 1 to 64 colours")
        for colour in colours:
            to_rgb(colour)
        with self.lock:
            self.palette = [*colours]

    def add(self, clip: Clip, details: dict[str, Any]) -> int:
        """Keep a new video, and return its number."""
        with self.lock:
            self._count += 1
            self.results[self._count], self.details[self._count] = clip, details
            return self._count

    def remove(self, number: int) -> None:
        """Remove a result."""
        with self.lock:
            self.results.pop(number, None)
            self.details.pop(number, None)

    def video(self, name: str) -> Clip:
        """Return a video by its name in URLs: "clip", "style", or the number of a result."""
        with self.lock:
            if name == "clip":
                return self.clip
            found = self.style if name == "style" else None
            if name.isascii() and name.isdigit():
                found = self.results.get(int(name))
        if found is None:
            raise Refused(f"there is no video {name!r}")
        return found

    def facts(self) -> dict[str, Any]:
        """Return the facts that the page shows when it opens."""
        with self.lock:
            return {
                "clip": self.clip.facts(),
                "scenes": self.whole.scenes(),
                "scene": self.scene,
                "style": None if self.style is None else self.style.facts(),
                "palette": self.palette,
                "settings": self.settings,
                "tasks": describe_tasks(),
                "formats": [suffix for suffix in (*FORMATS, *ARRAYS) if suffix != ".apng"],
                **self.made(),
            }

    def layer_facts(self, name: str) -> dict[str, Any]:
        """Return the facts of a layer that the page shows."""
        layer = self.layer(name)
        return {
            "modes": layer.modes, "mode": layer.mode, "keys": sorted(layer.keys),
            "followed": layer.followed is not None, "lost": layer.lost,
        }  # fmt: skip

    def made(self) -> dict[str, Any]:
        """Return the facts that jobs change: the layers, the jobs and the results."""
        with self.lock:
            results = [
                {
                    "number": number,
                    **clip.facts(),
                    **self.details[number],
                    "commands": clip.commands,
                    "files": sorted(clip.files),
                }
                for number, clip in self.results.items()
            ]
            layers = {name: self.layer_facts(name) for name in self.layers}
        return {"layers": layers, "jobs": self.queue.facts(), "results": results}


def to_rgb(colour: Any) -> Colour:
    """Parse ``#rrggbb``."""
    try:
        if len(colour) != 7 or colour[0] != "#":
            raise ValueError
        red, green, blue = bytes.fromhex(colour[1:])
    except (TypeError, ValueError) as error:
        raise Refused(f"a colour must be like #e8482f, got {colour!r}") from error
    return red, green, blue


def colours_of(palette: Sequence[str]) -> list[Colour]:
    """Parse all colours of a palette."""
    return [to_rgb(colour) for colour in palette]
