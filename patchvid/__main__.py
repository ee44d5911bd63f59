"""``python -m patchvid`` is the ``patchvid`` command."""

from patchvid.cli import run

if __name__ == "__main__":
    run()
