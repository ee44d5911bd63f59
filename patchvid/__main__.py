"""``python -m patchvid`` is the ``patchvid`` command."""

from patchvid.cli.main import main

if __name__ == "__main__":
    main(prog_name="python -m patchvid")
