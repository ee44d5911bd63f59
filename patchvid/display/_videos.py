"""Check videos for display, and copy them to the host."""

from collections.abc import Sequence
from typing import Any

from numpy.typing import NDArray

from patchvid._device import backend_of
from patchvid._validation import check_video, shown
from patchvid.errors import InvalidInput


def check_shown(video: Any) -> NDArray[Any]:
    """Check a video (t, y, x, c) of 1, 3 or 4 channels, and copy it to the host."""
    video = check_video("video", video)
    if video.shape[3] not in (1, 3, 4):
        raise InvalidInput(
            f"video must have 1, 3 or 4 channels to be shown, got {video.shape[3]}; choose among "
            "them"
        )
    on_host: NDArray[Any] = backend_of(video).to_host(video)
    return on_host


def check_labelled(
    function: str, videos: Sequence[Any], labels: Sequence[str]
) -> list[NDArray[Any]]:
    """Check one or more videos to show, and that either each has a label or none has."""
    if not videos:
        raise InvalidInput(f"{function} needs one or more videos, got none")
    if not isinstance(labels, (list, tuple)) or not all(isinstance(x, str) for x in labels):
        raise InvalidInput(f"labels must be a sequence of texts, got {shown(labels)}")
    if labels and len(labels) != len(videos):
        raise InvalidInput(
            f"labels must be one for each of {len(videos)} videos, got {len(labels)}"
        )
    return [check_shown(video) for video in videos]
