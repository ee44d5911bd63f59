"""Errors as lines of the command line."""

from patchvid.errors import PatchvidError, TargetExists


def told_in_one_line(error: BaseException) -> str | None:
    """Return the message of an error, with the options that help; None for a bug of patchvid."""
    if isinstance(error, MemoryError):
        return f"out of memory: {error or 'no details'}; try --max-size or fewer --frames"
    if isinstance(error, TargetExists):
        return (
            f"cannot write {error.path!r}: it exists; choose another name, or replace it with "
            "--overwrite"
        )
    if isinstance(error, (PatchvidError, OSError)):
        return " ".join(str(error).split())
    return None
