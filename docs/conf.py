"""How Sphinx makes these pages: ``sphinx-build -W docs build/docs``, with patchvid[docs] installed.

Pages are Markdown (MyST), the notebooks are shown as they were executed, and the reference is made
from the docstrings (numpydoc).
"""

import patchvid

project = "patchvid"
author = "The patchvid developers"
copyright = author  # noqa: A001
version = release = patchvid.__version__

extensions = ["sphinx.ext.autodoc", "numpydoc", "myst_nb", "sphinx_copybutton"]
exclude_patterns = ["notebooks/*.py"]

myst_heading_anchors = 3
nb_execution_mode = "off"  # a test executes them

default_role = "py:obj"  # `generate` in a docstring is a link
autodoc_typehints = "none"  # signatures with all types are too long to be read
autodoc_member_order = "bysource"
numpydoc_show_class_members = False
numpydoc_xref_param_type = False

html_theme = "furo"
html_title = f"patchvid {release}"
html_copy_source = False
