"""The folder in which a user's programs keep files for their next start."""

from pathlib import Path


def user_cache() -> Path:
    """Name the folder of patchvid in the user's cache, which may not exist yet.

    Raises
    ------
    OSError
        If nothing tells where the home of the user is, as in a container that runs as a user
        without a name.
    """
    from platformdirs import user_cache_path

    try:
        folder = user_cache_path("patchvid", appauthor=False)
    except RuntimeError:  # older versions of platformdirs return ~/.cache as it is
        folder = Path("~")
    if not folder.is_absolute():
        raise OSError("the user has no home folder")
    return folder
