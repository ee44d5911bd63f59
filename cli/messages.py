"""Errors as lines of the command line."""

import re

from patchvid.errors import PatchvidError, TargetExists

_LONG_NUMBER = re.compile(r"\d{60,}")


def without_long_numbers(message: str) -> str:
    """A message in which hundreds of digits are left out."""
    return _LONG_NUMBER.sub(lambda match: f"{match[0][:20]}...{match[0][-20:]}", message)


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
