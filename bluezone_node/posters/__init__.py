"""Posters of places, and paper slips: one layout, drawn as PDF, SVG or PNG."""
