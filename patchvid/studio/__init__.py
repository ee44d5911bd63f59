"""The studio: a page in the browser to paint masks, follow objects, make videos, compare them.

It is served to this machine only. It needs ``pip install 'patchvid[studio]'``.
"""
