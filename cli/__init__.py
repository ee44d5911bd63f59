"""The ``patchvid`` command."""
