"""Measures of generated videos against their source.

`coherence`
    Distance of patches of the video from the nearest patches of the source.
`completeness`
    Distance of patches of the source from the nearest patches of the video.
`sliced_wasserstein`
    Difference between the distributions of their patches.
`layout_distance`
    Difference between their layouts: whether objects are where they belong.
`copied_pieces`
    Size and duration of the pieces that were copied from the source.
`nnf_diversity`
    Complexity of the arrangement of these pieces: NNFDIV and NNFDIST.
`flicker`
    Change of the video from frame to frame, relative to the source.
`svfid`
    Difference between the videos to a network. It needs learned weights; the others do not.
`diversity`
    Differences between several videos.
`evaluate`
    All of them.

Values are measured on the scale of 8 bits, 0 to 255: uint8 as it is, uint16 divided by 257. The
range of a float source becomes 0 to 255, and outputs are scaled alike; of four channels, the
colours alone set that range. Patches have 3 frames of 7x7 pixels, and 1 frame if one of the two
videos has only one.
"""

from patchvid.metrics._comparison import Estimate
from patchvid.metrics.copied_pieces import CopiedPieces, copied_pieces
from patchvid.metrics.evaluation import Evaluation, Scores, evaluate
from patchvid.metrics.field_complexity import NnfDiversity, nnf_diversity
from patchvid.metrics.frechet import svfid
from patchvid.metrics.layout import layout_distance
from patchvid.metrics.similarity import coherence, completeness
from patchvid.metrics.voxels import diversity, flicker
from patchvid.metrics.wasserstein import sliced_wasserstein

__all__ = [
    "CopiedPieces",
    "Estimate",
    "Evaluation",
    "NnfDiversity",
    "Scores",
    "coherence",
    "completeness",
    "copied_pieces",
    "diversity",
    "evaluate",
    "flicker",
    "layout_distance",
    "nnf_diversity",
    "sliced_wasserstein",
    "svfid",
]
