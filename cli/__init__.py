"""The ``patchvid`` command."""


def run() -> None:
    """Run the command; Ctrl-C ends it with one line from the first moment on."""
    try:
        from patchvid.cli.main import main
        from patchvid.cli.standard_streams import make_streams_safe

        make_streams_safe()
        main()
    except KeyboardInterrupt:  # before the command itself listens
        import sys

        print("Error: interrupted", file=sys.stderr)
        sys.exit(130)
