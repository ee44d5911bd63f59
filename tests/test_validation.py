"""Checks of arguments: text is not taken for numbers."""

from typing import Any

import numpy as np
import pytest

from patchvid import InvalidInput, build_pyramid, generate, resize, retarget

CLIP = np.zeros((4, 20, 24, 3), np.uint8)


@pytest.mark.parametrize("scale", ["112", b"112", ("1", "1", "2"), "1,1,2"])
@pytest.mark.parametrize("function", [generate, retarget, resize])
def test_scale_is_not_text(function: Any, scale: Any) -> None:
    size = {"size": (4, 20, 48)} if function is resize else {}
    with pytest.raises(InvalidInput, match="scale must be three numbers above 0, got "):
        function(CLIP, **size, scale=scale)


@pytest.mark.parametrize("size", ["444", b"444", ("4", "20", "24")])
@pytest.mark.parametrize("name", ["size", "patch"])
def test_sizes_are_not_text(name: str, size: Any) -> None:
    with pytest.raises(
        InvalidInput, match=f"{name} must be three whole numbers of at least 1, got"
    ):
        generate(CLIP, **{name: size})


def test_other_numbers_are_not_text() -> None:
    with pytest.raises(InvalidInput, match=r"factor must be two numbers above 0, got '99'"):
        build_pyramid(CLIP, factor="99")  # type: ignore[arg-type]
    with pytest.raises(InvalidInput, match=r"alpha must be above 0, .* got '15'"):
        generate(CLIP, alpha="15")  # type: ignore[call-overload]
