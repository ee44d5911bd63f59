"""Distance between the layouts of two videos."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from patchvid._device import backend_of, on_device
from patchvid._resampling import resample
from patchvid._validation import Triple
from patchvid.core.flow_matching import PATCH
from patchvid.core.layout_distance import PlacedPatches
from patchvid.core.places import Places
from patchvid.core.pyramid import level_shapes
from patchvid.metrics._comparison import Pair, check_pair


@on_device("source", "output")
def layout_distance(source: NDArray[Any], output: NDArray[Any]) -> float:
    """Distance between the layouts of two videos: whether objects are where they belong.

    Parameters
    ----------
    source, output : array
        (t, y, x, c), as for `coherence`.

    Returns
    -------
    float
        From 0 to about 255 times the square root of the number of values in a patch; lower is
        better. It is 0 if `output` is a copy of `source`.

    Raises
    ------
    InvalidInput
        If the videos cannot be compared.

    Notes
    -----
    Both videos are shrunk to the coarsest level of their pyramids, 3 frames of 15 rows or columns.
    Their patches of 3 frames of 5x5 pixels are compared by a sliced Wasserstein distance, along 64
    random directions. The colours of a patch are joined by the mean colours of its rows and columns
    in `source`, weighted by how well these explain `source`. So a horizon at the wrong height
    increases the distance, but objects that occur at all heights may move. `generate` chooses
    layouts by the same distance, on a finer level.

    Examples
    --------
    >>> clip = np.full((3, 30, 40, 1), 200, np.uint8)
    >>> clip[:, 20:] = 40  # the ground below a sky
    >>> layout_distance(clip, clip[:, :, ::-1]), layout_distance(clip, clip[:, ::-1]) > 30
    (0.0, True)
    """
    return distance_of_layouts(check_pair(source, output, (1, 1, 1)))


def distance_of_layouts(pair: Pair) -> float:
    """Measure checked videos as `layout_distance` does."""
    source_shape, output_shape = pair.source.shape[:3], pair.output.shape[:3]
    source = _shrink(pair.source, level_shapes(source_shape)[0])
    output = _shrink(pair.output, level_shapes(source_shape, size=output_shape)[0])
    places = Places.of(source, (False, False, False))
    patch: Any = tuple(map(min, PATCH, source.shape, output.shape))
    return PlacedPatches(source, places, patch).distance(output)


def _shrink(video: NDArray[Any], shape: Triple) -> NDArray[np.uint8]:
    small = backend_of(video).to_host(resample(video, shape))
    return np.clip(np.rint(small), 0, 255).astype(np.uint8)
