"""Errors of decoders as one line that names the file: missing, damaged, or not a video."""

import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import av

from patchvid._paths import quoted, raise_if_out_of_memory, reason
from patchvid.errors import PatchvidError, VideoError

# Errors of decoders for damaged data. Anything else, such as a TypeError, is a bug, and must not be
# reported as a damaged file.
_DAMAGE = (
    *(av.FFmpegError, OSError, EOFError, ValueError, LookupError, ArithmeticError, SyntaxError),
    *(struct.error, zlib.error),
)


@contextmanager
def naming_problems(path: Path) -> Iterator[None]:
    """Turn errors of decoders into one line that names the file and the problem."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's warnings on odd files do not help users
            yield
    except PatchvidError:
        raise
    except FileNotFoundError as error:
        raise VideoError(f"there is no {quoted(path)}; check the name") from error
    except (*_DAMAGE, MemoryError) as error:
        raise_if_out_of_memory(error)
        raise VideoError(
            f"cannot read {quoted(path)}: {reason(error)}; it may be damaged, or not a video"
        ) from error
