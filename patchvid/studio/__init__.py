"""The studio: a page in the browser to paint masks, follow things, make videos and compare them.

It is served to this machine only. It needs ``pip install 'patchvid[studio]'``.
"""
