"""Films that are written while they are made: --length of gen, long --scale of retarget."""

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from patchvid.cli.command import is_typed
from patchvid.cli.options import option
from patchvid.cli.outputs import NO_FILE
from patchvid.cli.values import parse_length

if TYPE_CHECKING:
    from numpy.typing import NDArray

length_option = option(
    "--length",
    type=parse_length,
    metavar="N|Ns|Nm",
    help="Make a film of this length, which may be longer than memory: frames, seconds as in 20s, "
    "or minutes as in 10m. It is written while it is made.  [default: as CLIP]",
)


class Film(NamedTuple):
    """The frames of a film, made when they are read, and its shape (t, y, x, c)."""

    frames: "Iterator[NDArray[Any]]"
    shape: tuple[int, ...]


def film_maker(make: Callable[..., "Iterator[NDArray[Any]]"]) -> Callable[..., Film]:
    """Turn a function that yields the frames of a film into one for `make_videos`."""

    def make_film(
        video: "NDArray[Any]",
        *,
        length: int,
        scale: Sequence[float],
        size: Sequence[int] | None,
        details: bool,
        **settings: Any,
    ) -> Film:
        from patchvid.apps._setup import check_output_size

        _, height, width = check_output_size(video.shape, scale, size)
        frames = make(video, length=length, size=(height, width), **settings)
        return Film(frames, (length, height, width, video.shape[3]))

    return make_film


def check_film_options(how: str, settings: dict[str, Any], *names: str) -> None:
    """Refuse options that do not go with a film, and drop `names` from the settings.

    `how` is the option that asks for the film.
    """
    parameters = {p.name: p for p in click.get_current_context().command.params}
    for name in ("size", "layers", "save_field", "report", *names):
        if is_typed(name):
            raise click.UsageError(f"{parameters[name].opts[-1]} does not go with {how}.")
    if settings["output"] == NO_FILE:
        raise click.UsageError(f"{how} writes a film while it is made; give -o a name.")
    for name in names:
        del settings[name]
