"""The errors patchvid raises: each message is one line that names the problem and the remedy."""


class PatchvidError(Exception):
    """Base of every error raised on purpose by patchvid."""


class InvalidInput(PatchvidError, ValueError):
    """An argument or an array that cannot be used."""


class DeviceError(PatchvidError, RuntimeError):
    """The device asked for is missing or does not work."""


class WeightsError(PatchvidError, OSError):
    """Weights of a network that are neither on this machine nor to be had."""


class VideoError(PatchvidError, OSError):
    """A file or folder that cannot be read or written as a video."""
