"""Videos and fields to look at: in notebooks, as figures, and as a web page."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__, submodules=["fields", "notebook", "plot", "report"]
)
