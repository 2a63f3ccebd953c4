"""Posters of places, and paper slips: one layout, drawn as PDF, SVG or PNG.

`rendering` is the way in; squares alone need no fonts.
"""
