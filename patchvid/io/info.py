"""The properties of a clip that are known before its frames are decoded."""

from dataclasses import dataclass
from fractions import Fraction

DEFAULT_FPS = 24.0  # of clips that have no rate
PREVIEW_SIDE, PREVIEW_FRAMES = 160, 48  # largest longer side and length of a preview
HDR_TRANSFERS = {"smpte2084": "PQ", "arib-std-b67": "HLG"}


@dataclass(frozen=True)
class ColorTags:
    """The meaning of the values of a clip, in FFmpeg's names for ITU-T H.273.

    For files without tags, players assume BT.709 for high definition, BT.601 below, and limited
    range. So does patchvid.

    Attributes
    ----------
    primaries : str
        The colours of red, green and blue: ``"bt709"``, ``"smpte170m"``, ``"bt2020"`` and others.
    transfer : str
        The curve from light to values: ``"bt709"``, ``"iec61966-2-1"`` (sRGB), ``"smpte2084"``
        (PQ), ``"arib-std-b67"`` (HLG) and others.
    matrix : str
        How RGB is converted to the file's YUV: ``"bt709"``, ``"smpte170m"`` (BT.601),
        ``"bt2020nc"`` and others; ``"gbr"`` in files that hold RGB.
    range : str
        ``"tv"`` if the file has YUV of limited range, ``"pc"`` for full range.
    """

    primaries: str = "bt709"
    transfer: str = "iec61966-2-1"
    matrix: str = "gbr"
    range: str = "pc"

    @property
    def hdr(self) -> str | None:
        """``"PQ"`` or ``"HLG"`` for high dynamic range, else None."""
        return HDR_TRANSFERS.get(self.transfer)


@dataclass(frozen=True)
class VideoInfo:
    """The properties of a clip that `patchvid.read_video` can return; frames are upright.

    Attributes
    ----------
    frames : int or None
        Number of frames, or None if only decoding can tell.
    height, width : int
        Size of a frame in pixels.
    channels : int
        3 for RGB, 4 for RGB and alpha; saved arrays may have any number. If all frames that are
        read are opaque, there is no fourth channel.
    dtype : str
        ``"uint8"`` or ``"uint16"``; saved arrays may have others.
    fps : float or None
        Frames per second, or None if the clip has no rate.
    pixel_aspect : Fraction
        Width of a pixel relative to its height.
    rotation : int
        Degrees, counter-clockwise, by which stored frames are turned to be upright: 0, 90, 180 or
        270.
    mirrored : bool
        Whether stored frames are mirrored from left to right before they are turned.
    interlaced : bool
        Whether stored frames hold two fields each.
    variable_rate : bool
        Whether some stored frames show for longer than others.
    keyframe_interval : int or None
        The usual number of frames from one key frame, which can be decoded alone, to the next, or
        None if unknown. Frames between them take longer to reach.
    color : ColorTags
        The meaning of the values.
    mastering_display : tuple of float or None
        HDR10 metadata of the display on which the clip was made: x and y of red, green, blue and
        white, and its least and greatest luminance in cd/m2.
    content_light : tuple of int or None
        HDR10 metadata of the clip: the greatest luminance of a pixel, and the greatest mean
        luminance of a frame, in cd/m2.
    has_audio : bool
        Whether there is sound.
    container : str
        FFmpeg's name of the container, such as ``"mov"`` for MP4 or ``"matroska"``; Pillow's name
        of the kind of picture, such as ``"gif"``; or ``"folder"``, ``"npy"`` or ``"npz"``.
    codec : str or None
        FFmpeg's name of the codec, such as ``"h264"``, or None.
    pixel_format : str or None
        FFmpeg's name of the pixel format, such as ``"yuv420p10le"``, or None.
    """

    frames: int | None
    height: int
    width: int
    channels: int
    dtype: str
    fps: float | None
    pixel_aspect: Fraction = Fraction(1)
    rotation: int = 0
    mirrored: bool = False
    interlaced: bool = False
    variable_rate: bool = False
    keyframe_interval: int | None = None
    color: ColorTags = ColorTags()
    mastering_display: tuple[float, ...] | None = None
    content_light: tuple[int, int] | None = None
    has_audio: bool = False
    container: str = ""
    codec: str | None = None
    pixel_format: str | None = None
