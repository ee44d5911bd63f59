"""Colours of video: assumptions for files without tags, and HDR as standard dynamic range.

Sources: ITU-T H.273 (codes of colours), ITU-R BT.2100 (PQ, HLG), BT.2390 (tone mapping), BT.2408
(the luminance of white).
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from patchvid._convert import to_8_bits, to_16_bits
from patchvid.io.info import ColorTags
from patchvid.kernels.fork_safety import unforked

Deep = NDArray[np.uint16]

PRIMARIES = {
    **{1: "bt709", 4: "bt470m", 5: "bt470bg", 6: "smpte170m", 7: "smpte240m", 8: "film"},
    **{9: "bt2020", 10: "smpte428", 11: "smpte431", 12: "smpte432", 22: "ebu3213"},
}
TRANSFERS = {
    **{1: "bt709", 4: "gamma22", 5: "gamma28", 6: "smpte170m", 7: "smpte240m", 8: "linear"},
    **{9: "log100", 10: "log316", 11: "iec61966-2-4", 12: "bt1361e", 13: "iec61966-2-1"},
    **{14: "bt2020-10", 15: "bt2020-12", 16: "smpte2084", 17: "smpte428", 18: "arib-std-b67"},
}
MATRICES = {
    **{0: "gbr", 1: "bt709", 4: "fcc", 5: "bt470bg", 6: "smpte170m", 7: "smpte240m", 8: "ycgco"},
    **{9: "bt2020nc", 10: "bt2020c", 11: "smpte2085", 12: "chroma-derived-nc"},
    **{13: "chroma-derived-c", 14: "ictcp", 16: "ycgco-re", 17: "ycgco-ro"},
}
CONVERTED = ("gbr", "bt709", "fcc", "bt470bg", "smpte170m", "smpte240m", "bt2020nc")

# Rows of R, G and B of BT.709 in terms of those of wider gamuts, in linear light. The white of
# SMPTE 431 (DCI-P3) is adapted by Bradford's method.
_TO_BT709 = {
    "bt2020": (
        (1.6604910, -0.5876411, -0.0728499),
        (-0.1245505, 1.1328999, -0.0083494),
        (-0.0181508, -0.1005789, 1.1187297),
    ),
    "smpte431": (
        (1.1575164, -0.1549624, -0.0025540),
        (-0.0415001, 1.0455679, -0.0040679),
        (-0.0180500, -0.0785783, 1.0966283),
    ),
    "smpte432": (
        (1.2249402, -0.2249402, 0.0),
        (-0.0420570, 1.0420570, 0.0),
        (-0.0196376, -0.0786361, 1.0982736),
    ),
}
WIDE = tuple(_TO_BT709)  # primaries that BT.709 cannot show
_WHITE, _PEAK = 203.0, 1000.0  # cd/m2: diffuse white of BT.2408, shown as white; brightest light
_GAMMA = 2.4  # of displays of standard dynamic range, BT.1886


def color_tags(
    codes: Sequence[int], *, is_full: bool, is_rgb: bool, height: int, width: int
) -> ColorTags:
    """Name the codes of primaries, transfer and matrix; assume missing ones as players do."""
    tables = PRIMARIES, TRANSFERS, MATRICES
    colors, curve, coded = (table.get(code) for table, code in zip(tables, codes))
    if is_rgb:
        return ColorTags(colors or "bt709", curve or "iec61966-2-1", "gbr", "pc")
    if coded in (None, "gbr"):
        is_hd = height > 576 or width >= 1280
        standard = "smpte170m" if height != 576 else "bt470bg"
        if colors == "bt2020" or curve in ("smpte2084", "arib-std-b67"):
            coded = "bt2020nc"
        elif colors in ("bt470bg", "smpte170m", "bt709"):
            coded = colors
        else:
            coded = "bt709" if is_hd else standard
    if colors is None:
        alike = {"bt2020nc": "bt2020", "bt2020c": "bt2020", "ictcp": "bt2020"}
        known = coded in ("bt709", "bt470bg", "smpte170m", "smpte240m")
        colors = coded if known else alike.get(coded or "", "bt709")
    return ColorTags(colors, curve or "bt709", coded, "pc" if is_full else "tv")


def matrix_code(tags: ColorTags) -> int:
    """The code of the matrix, or of a common one in place of an unusual one."""
    named = tags.matrix if tags.matrix in CONVERTED else "bt2020nc"
    if named == "bt2020nc" and tags.primaries != "bt2020":
        named = "bt709"
    return next(code for code, name in MATRICES.items() if name == named)


def needs_mapping(tags: ColorTags) -> bool:
    """Whether values must change for a display of standard dynamic range and BT.709."""
    return tags.hdr is not None or tags.primaries in WIDE


def to_sdr(frame: Deep, tags: ColorTags) -> Deep:
    """Convert a frame (y, x, 3 or 4) to BT.709 of standard dynamic range.

    Light above diffuse white, up to 1000 cd/m2, is compressed as in BT.2390. The largest of R, G
    and B sets the factor, which preserves hues.
    """
    light = _light(tags.transfer)[frame[..., :3]]
    if tags.transfer == "arib-std-b67":  # displayed light depends on the scene's luminance
        with unforked():
            luminance = light @ np.array([0.2627, 0.6780, 0.0593], np.float32)
        light *= (_PEAK / _WHITE) * np.maximum(luminance, 1e-6)[..., None] ** np.float32(0.2)
    if (rows := _TO_BT709.get(tags.primaries)) is not None:
        with unforked():
            light = light @ np.array(rows, np.float32).T
    if tags.hdr:
        brightest = np.clip(light.max(axis=2), 1e-6, _PEAK / _WHITE)
        light *= (_compressed(brightest) / brightest)[..., None]
    shown = np.clip(light, 0, 1) ** np.float32(1 / _GAMMA)
    mapped = np.rint(shown * 65535).astype(np.uint16)
    return np.concatenate([mapped, frame[..., 3:]], axis=2)


def to_bt709(video: NDArray[Any], primaries: str) -> NDArray[Any]:
    """Convert a video (t, y, x, 3 or 4) of standard dynamic range from a wide gamut to BT.709."""
    converted = np.empty_like(video)
    for number, frame in enumerate(video):
        deep = to_sdr(to_16_bits(frame), ColorTags(primaries, "bt709"))
        if video.dtype.kind == "f":
            converted[number] = deep / np.float32(65535)
        else:
            converted[number] = deep if video.dtype == np.uint16 else to_8_bits(deep)
    return converted


@lru_cache(maxsize=4)
def _light(transfer: str) -> NDArray[np.float32]:
    """Linear light of every 16-bit value: 1 is diffuse white; for HLG, of the scene and up to 1."""
    value = np.linspace(0, 1, 65536)
    if transfer == "smpte2084":
        light = _from_pq(value) / _WHITE
    elif transfer == "arib-std-b67":
        a, b, c = 0.17883277, 0.28466892, 0.55991073
        light = np.where(value <= 0.5, value**2 / 3, (np.exp((value - c) / a) + b) / 12)
    else:
        light = value**_GAMMA
    return light.astype(np.float32)


def _compressed(light: NDArray[np.float32]) -> NDArray[np.float32]:
    """The curve of BT.2390 from 0..1000 cd/m2 to 0..1, where 1 is diffuse white."""
    top = _to_pq(np.array(_PEAK))
    value, white = _to_pq(light.astype(np.float64) * _WHITE) / top, _to_pq(np.array(_WHITE)) / top
    knee = 1.5 * white - 0.5
    t = np.maximum(value - knee, 0) / (1 - knee)
    spline = (
        (2 * t**3 - 3 * t**2 + 1) * knee
        + (t**3 - 2 * t**2 + t) * (1 - knee)
        + (3 * t**2 - 2 * t**3) * white
    )
    mapped = _from_pq(np.where(value < knee, value, spline) * top) / _WHITE
    return mapped.astype(np.float32)


_M1, _M2 = 2610 / 16384, 2523 / 32
_C1, _C2, _C3 = 3424 / 4096, 2413 / 128, 2392 / 128


def _from_pq(value: NDArray[np.float64]) -> NDArray[np.float64]:
    """Luminance in cd/m2 of values of PQ."""
    root = value ** (1 / _M2)
    light: NDArray[np.float64] = (np.maximum(root - _C1, 0) / (_C2 - _C3 * root)) ** (1 / _M1)
    return 10000 * light


def _to_pq(luminance: NDArray[np.float64]) -> NDArray[np.float64]:
    root = (luminance / 10000) ** _M1
    value: NDArray[np.float64] = ((_C1 + _C2 * root) / (1 + _C3 * root)) ** _M2
    return value
