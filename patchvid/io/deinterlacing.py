"""Whole frames out of fields, as interlaced video stores them."""

from collections.abc import Iterator
from fractions import Fraction

import av
from av.filter import Graph


class Deinterlacer:
    """Fill each field's missing rows from its neighbours in space and time, by FFmpeg's bwdif.

    The rate stays the same: of the two fields of a frame, one is replaced. Progressive frames do
    not change.
    """

    def __init__(self) -> None:
        self._graph: Graph | None = None
        self._stored: tuple[int, int, str] | None = None

    def __call__(self, frame: av.VideoFrame | None) -> Iterator[av.VideoFrame]:
        """Take a frame, or None for the end; yield those that are ready."""
        stored = None
        if frame is not None:
            stored = frame.width, frame.height, frame.format.name
        if stored != self._stored:  # a graph takes frames of one size and format
            if self._graph is not None:
                yield from self._through(self._graph, None)
            self._stored = stored
            self._graph = None if frame is None else _bwdif(frame)
        if self._graph is not None:
            yield from self._through(self._graph, frame)

    @staticmethod
    def _through(graph: Graph, frame: av.VideoFrame | None) -> Iterator[av.VideoFrame]:
        graph.vpush(frame)
        while True:
            try:
                done = graph.vpull()
            except (av.error.BlockingIOError, av.error.EOFError):
                return
            if done.pts is not None:
                done.pts //= 2  # the filter counts fields
            yield done


def _bwdif(frame: av.VideoFrame) -> Graph:
    """A filter graph that deinterlaces frames like this one."""
    graph = Graph()
    source = graph.add_buffer(
        width=frame.width, height=frame.height, format=frame.format,
        time_base=frame.time_base or Fraction(1, 1000),
    )  # fmt: skip
    bwdif = graph.add("bwdif", "mode=send_frame:deint=interlaced")
    graph.link_nodes(source, bwdif, graph.add("buffersink"))
    graph.configure()
    return graph
