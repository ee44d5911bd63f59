"""The sample clip: its shape, its bytes and its motion."""

import hashlib

import numpy as np

from patchvid.data.sample_clip import sample_clip


def test_form() -> None:
    clip = sample_clip()
    assert clip.shape == (24, 128, 224, 3)
    assert clip.dtype == np.uint8


def test_bytes_never_change() -> None:
    """Results of other tests, benchmarks and the README's picture come from this very clip."""
    assert hashlib.sha256(sample_clip().tobytes()).hexdigest() == (
        "b25f3a7b3d78f9e4747d78e36cadb26646bb460d652f8322a31eb17aaebdd870"
    )


def test_everything_moves_a_little() -> None:
    clip = sample_clip().astype(float)
    change = np.abs(np.diff(clip, axis=0)).mean(axis=(0, 3))
    assert change.min() > 0.5  # of 255: nowhere does the picture stand still,
    assert change.mean() < 15  # and nowhere near do the frames have nothing in common


def test_full_range_without_clipping() -> None:
    clip = sample_clip()
    assert clip.min() < 16
    assert clip.max() > 240
    assert (clip == 255).mean() < 0.03
