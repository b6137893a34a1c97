"""All shipped workflows."""

from __future__ import annotations

from tests.comfyui.graph import Graph
from tests.comfyui.graphs_of_files import LOGO, MASK_VIDEO, SAM3, STREAMED
from tests.comfyui.graphs_of_plates import LOCKED_OFF, PAINTED
from tests.comfyui.graphs_of_scene import FIRST_RUN, HAND_OVER, SELF_TEST

GRAPHS: dict[str, Graph] = {
    graph.name: graph
    for graph in (
        FIRST_RUN,
        MASK_VIDEO,
        LOGO,
        STREAMED,
        LOCKED_OFF,
        PAINTED,
        SELF_TEST,
        HAND_OVER,
        SAM3,
    )
}
