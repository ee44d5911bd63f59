"""Tests that are quick for one case, and slow for the others."""

from collections.abc import Iterable
from typing import Any

import pytest


def but_the_first(cases: Iterable[Any]) -> list[Any]:
    """The cases of one argument, all marked as slow but the first."""
    first, *others = cases
    return [first, *(pytest.param(case, marks=pytest.mark.slow) for case in others)]
