"""Measures of generated videos against their source.

`coherence`
    How far a patch of the video is from the nearest one of the source.
`completeness`
    How far a patch of the source is from the nearest one of the video.
`sliced_wasserstein`
    How alike their patches are as distributions.
`layout_distance`
    How alike their layouts are: whether things are where they belong.
`copied_pieces`
    How large the pieces are that were copied from the source, and for how long.
`nnf_diversity`
    How complex the arrangement of these pieces is: NNFDIV and NNFDIST.
`flicker`
    How much the video changes from frame to frame, relative to the source.
`svfid`
    How alike the two videos are to a network. It needs learned weights; the others do not.
`diversity`
    How much several videos differ from each other.
`evaluate`
    All of them.

Values are measured on the scale of 8 bits, 0 to 255: uint8 as it is, uint16 divided by 257. The
range of a source of floats becomes 0 to 255, and outputs are scaled alike; of four channels, the
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
