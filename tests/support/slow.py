"""Marks for tests whose cases take long, of which one is enough by default."""

from collections.abc import Iterable
from typing import Any

import pytest


def but_the_first(cases: Iterable[Any]) -> list[Any]:
    """Mark all cases of an argument as slow, except the first."""
    first, *others = cases
    return [first, *(pytest.param(case, marks=pytest.mark.slow) for case in others)]
