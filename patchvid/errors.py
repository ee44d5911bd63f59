"""The errors patchvid raises: each message is one line that names the problem and the remedy."""


class PatchvidError(Exception):
    """Base of every error raised on purpose by patchvid."""


class InvalidInput(PatchvidError, ValueError):
    """An argument or an array that cannot be used."""


class DeviceError(PatchvidError, RuntimeError):
    """The device asked for is missing or does not work."""


class WorkerError(PatchvidError, RuntimeError):
    """A worker of a batch that died, or could not be started."""


class WeightsError(PatchvidError, OSError):
    """Weights of a network that are not on this machine and cannot be fetched."""


class VideoError(PatchvidError, OSError):
    """A file or folder that cannot be read or written as a video."""


class TargetExists(VideoError, FileExistsError):
    """The file or folder to be written exists, and must not be replaced without `overwrite`."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path

    def __str__(self) -> str:
        return f"cannot write {self.path!r}: it exists; choose another name, or pass overwrite=True"
