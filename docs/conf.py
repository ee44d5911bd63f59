"""Settings of Sphinx: ``sphinx-build -W docs build/docs``, with patchvid[docs] installed.

Pages are Markdown (MyST), notebooks appear as they were last executed, and the reference comes from
the docstrings (numpydoc).
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
autodoc_typehints = "none"  # with all types, signatures are too long to read
autodoc_member_order = "bysource"
numpydoc_show_class_members = False
numpydoc_xref_param_type = False

html_theme = "furo"
html_title = f"patchvid {release}"
html_copy_source = False
