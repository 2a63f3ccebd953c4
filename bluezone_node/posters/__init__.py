"""Posters of places, and paper slips: one layout, drawn as PDF, SVG or PNG."""

from bluezone_node.posters.rendering import FORMATS as FORMATS
from bluezone_node.posters.rendering import make as make
from bluezone_node.posters.rendering import render as render
