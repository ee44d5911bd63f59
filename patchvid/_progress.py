"""Progress of long work: one callback, ``progress(fraction, message)``, and a bar by default.

The fraction of the work done goes from 0 to 1; the message names the current step. During long
steps the callback is called several times a second with the same fraction, so that it can end the
work at once by raising an exception.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from patchvid.kernels.threads import polling

Progress = Callable[[float, str], object]

DELAY = 1.0  # seconds: shorter work shows no bar

_FORM = "{desc}: {percentage:3.0f}%{postfix} |{bar}|"  # tqdm puts a comma before the postfix


@contextmanager
def reporting(progress: Progress | bool | None, label: str) -> Iterator[Progress]:
    """Open a context that yields the callback to report to.

    Parameters
    ----------
    progress
        A callback; False for none; or None for a bar on stderr, if that is a terminal.
    label
        Name of the bar.
    """
    if callable(progress):
        told = 0.0, label

        def tell(fraction: float, message: str) -> None:
            nonlocal told
            told = fraction, message
            progress(fraction, message)

        with polling(lambda: progress(*told)):
            yield tell
    elif progress is False or sys.stderr is None or not sys.stderr.isatty():
        yield ignore
    else:
        with bar(label) as report:
            yield report


@contextmanager
def bar(label: str, *, delay: float = DELAY) -> Iterator[Progress]:
    """Show a bar on stderr that disappears at the end, with the time left once it is known."""
    from tqdm import tqdm

    bar_: Any = tqdm(
        total=1.0, desc=label, delay=delay, leave=False, file=sys.stderr, bar_format=_FORM,
        dynamic_ncols=True, mininterval=0.05,
    )  # fmt: skip
    with bar_:

        def report(fraction: float, message: str) -> None:
            left = bar_.format_dict["elapsed"] * (1 - fraction) / fraction if fraction else 0.0
            known = f"{message}, {tqdm.format_interval(left)} left" if fraction > 0.05 else message
            bar_.set_postfix_str(known, refresh=False)
            bar_.update(max(fraction - bar_.n, 0))

        yield report


def part_of(progress: Progress, start: float, stop: float, message: str = "") -> Progress:
    """The callback for a part of the work, from one fraction of the whole to another.

    Its fractions never go back. `message` comes before the part's own messages.
    """
    told = 0.0

    def report(fraction: float, step: str) -> None:
        nonlocal told
        if fraction >= told:  # the same fraction again may end the work by an exception
            told = fraction
            progress(start + (stop - start) * fraction, ", ".join(filter(None, (message, step))))

    return report


def ignore(fraction: float, message: str) -> None:
    """Report nothing."""
