"""Voting on the CPU: gather the votes on a voxel, and take their median or mean.

Votes are gathered as words of 32 bits. The lanes of a word are channels of one voxel.
"""

import numpy as np

from patchvid.kernels.jit import inlined, kernel
from patchvid.kernels.ordinals import from_ordinals, to_ordinals
from patchvid.kernels.rules import Prepared, output_shape
from patchvid.kernels.simd_voting import WORDS, median_of_lanes, scatter_patches
from patchvid.kernels.threads import parallel_range

CHUNK = 64  # voxels whose votes are gathered at once: 47 KB for 147 votes of 4 bytes


@inlined
def _gather_votes(
    votes, sources, words, field, t, y, left, right, key_shape, patch, periodic, blank
):
    """Fill ``votes[vote, margin + voxel - left]`` for the voxels [left, right) of row (t, y).

    Every row of patches casts kx votes on each voxel; votes of patches past the border stay
    `blank`. Return the number of votes, including blank ones.
    """
    n_t, n_y, n_x = field.shape
    kt, ky, kx = patch
    flat = votes.reshape(-1)
    pitch = votes.shape[1]
    margin = (pitch - CHUNK) // 2
    first, last = left - kx + 1, right
    if not periodic[2]:
        first, last = max(first, 0), min(last, n_x)
        if last - first < right - left + kx - 1:
            votes[:] = blank
    n_patches = last - first
    n_votes = 0
    for dt in range(kt):
        patch_t = t - dt
        if periodic[0]:
            patch_t %= n_t
        if not 0 <= patch_t < n_t:
            continue
        for dy in range(ky):
            patch_y = y - dy
            if periodic[1]:
                patch_y %= n_y
            if not 0 <= patch_y < n_y:
                continue
            offset = (dt * key_shape[1] + dy) * key_shape[2]
            row = field[patch_t, patch_y]
            for i in range(n_patches):
                x = (first + i) % n_x if periodic[2] else first + i
                sources[i] = row[np.uint64(x)] + offset
            target = n_votes * pitch + margin + first - left
            for group in range(0, n_patches - WORDS + 1, WORDS):
                scatter_patches(words, sources, group, flat, target + group, pitch, kx)
            if n_patches >= WORDS:  # the last group overlaps the one before
                group = n_patches - WORDS
                scatter_patches(words, sources, group, flat, target + group, pitch, kx)
            else:
                for i in range(n_patches):
                    for dx in range(kx):
                        flat[target + dx * (pitch + 1) + i] = words[sources[i] + dx]
            n_votes += kx
    return n_votes


@inlined
def _vote_buffers(patch):
    """Allocate the votes of a chunk, with margins for whole patches, and their source voxels."""
    margin = patch[2] + WORDS
    votes = np.empty((patch[0] * patch[1] * patch[2], CHUNK + 2 * margin), np.uint32)
    return votes, np.empty(CHUNK + patch[2], np.int32), margin


@inlined
def _cast_votes(x, n_x, kx, periodic_x):
    """Number of patches of one row that cover column x."""
    return kx if periodic_x else min(x, kx - 1) - max(0, x - n_x + 1) + 1


@kernel
def _vote_median(words, field, voted, update_mask, key_shape, patch, periodic, first, stop):
    """Write the lower median of the votes on every voxel."""
    frames, height, width, channels = voted.shape
    kx = patch[2]
    n_lanes = 4 // voted.itemsize
    for task in range(first, stop):
        plane, row = divmod(task, frames * height)
        t, y = divmod(row, height)
        votes, sources, margin = _vote_buffers(patch)
        lanes = votes.view(voted.dtype).reshape(-1)
        pitch = votes.shape[1] * n_lanes
        median = np.empty(CHUNK * n_lanes, voted.dtype)
        rank = np.zeros(CHUNK * n_lanes, np.int32)
        for left in range(0, width, CHUNK):
            right = min(left + CHUNK, width)
            if update_mask.size and not update_mask[t, y, left:right].any():
                continue
            n_votes = _gather_votes(
                votes, sources, words[plane], field, t, y, left, right, key_shape, patch, periodic,
                0xFFFFFFFF,
            )  # fmt: skip
            for x in range(left, right):
                cast = n_votes // kx * _cast_votes(x, field.shape[2], kx, periodic[2])
                rank[(x - left) * n_lanes : (x - left + 1) * n_lanes] = (cast - 1) // 2
            for lane in range(0, (right - left) * n_lanes, WORDS * n_lanes):
                start = margin * n_lanes + lane
                median_of_lanes(lanes, start, pitch, n_votes, rank, lane, median, lane)
            offset = plane * n_lanes
            for x in range(left, right):
                for channel in range(offset, min(offset + n_lanes, channels)):
                    voted[t, y, x, channel] = median[(x - left) * n_lanes + channel - offset]


@kernel
def _vote_mean(words, field, voted, update_mask, key_shape, patch, periodic, first, stop):
    """Write the mean of the votes on every voxel; integers are rounded, halves up."""
    frames, height, width, channels = voted.shape
    kx = patch[2]
    n_lanes = 4 // voted.itemsize
    half = 0.5 if n_lanes > 1 else 0.0
    for task in range(first, stop):
        plane, row = divmod(task, frames * height)
        t, y = divmod(row, height)
        votes, sources, margin = _vote_buffers(patch)
        lanes = votes.view(voted.dtype)
        total = np.empty(CHUNK * n_lanes)  # double: sums of integers are exact
        for left in range(0, width, CHUNK):
            right = min(left + CHUNK, width)
            if update_mask.size and not update_mask[t, y, left:right].any():
                continue
            n_votes = _gather_votes(
                votes, sources, words[plane], field, t, y, left, right, key_shape, patch, periodic,
                0,
            )  # fmt: skip
            total[:] = 0
            for vote in range(n_votes):
                some = lanes[vote, margin * n_lanes : (margin + CHUNK) * n_lanes]
                for lane in range(len(total)):
                    total[lane] += some[lane]
            offset = plane * n_lanes
            for x in range(left, right):
                cast = n_votes // kx * _cast_votes(x, field.shape[2], kx, periodic[2])
                for channel in range(offset, min(offset + n_lanes, channels)):
                    mean = total[(x - left) * n_lanes + channel - offset] / cast + half
                    voted[t, y, x, channel] = mean


def vote(
    value, field, *, patch, update_mask=None, periodic=(False, False, False), reduce="median",
    over=None,
):  # fmt: skip
    """Reconcile the patches that cover each voxel by their lower median or their mean.

    `value` is (t, y, x, c) of uint8, uint16 or float32, or the result of `prepare_value` for it and
    the same `reduce`. The result has its dtype. Where `update_mask` is False, it is undefined. No
    layout of the CPU is writable, so there is no query to write `over`.
    """
    value = prepare_value(value, reduce=reduce)
    words, key_size, channels = value.layout, value.shape[:3], value.shape[3]
    shape = output_shape(field.shape, patch, periodic)
    is_ordinal = reduce == "median" and value.dtype == np.float32
    voted = np.empty((*shape, channels), np.uint32 if is_ordinal else value.dtype)
    vote_rows = _vote_median if reduce == "median" else _vote_mean
    if update_mask is None:
        update_mask = np.empty((0, 0, 0), np.bool_)

    def work(first: int, stop: int) -> None:
        vote_rows(words, field, voted, update_mask, key_size, patch, periodic, first, stop)

    parallel_range(work, len(words) * shape[0] * shape[1], grain=16)
    return from_ordinals(voted, value.dtype) if reduce == "median" else voted


def prepare_value(value, *, reduce="median"):
    """Bring a video into the layout in which its patches vote, for several votes."""
    if isinstance(value, Prepared):
        return value
    words = _words(to_ordinals(value) if reduce == "median" else value)
    return Prepared(words, value.shape, value.dtype)


def _words(lanes: np.ndarray) -> np.ndarray:
    """Pack the channels of each voxel into planes (n, t * y * x + WORDS) of 32-bit words.

    A word holds one, two or four channels, depending on the size of their type.
    """
    n_lanes = 4 // lanes.itemsize
    n_planes = -(-lanes.shape[3] // n_lanes)
    rows = lanes.reshape(-1, lanes.shape[3])
    words = np.zeros((n_planes, len(rows) + WORDS), np.uint32)
    for plane, packed in enumerate(words[:, : len(rows)]):
        some = rows[:, plane * n_lanes : (plane + 1) * n_lanes]
        packed.view(lanes.dtype).reshape(len(rows), n_lanes)[:, : some.shape[1]] = some
    return words
