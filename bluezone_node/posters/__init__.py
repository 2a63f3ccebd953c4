"""Posters of places, and paper slips: one layout, drawn as PDF, SVG or PNG.

`rendering` is the way in.  It is not imported here: a kiosk that only draws squares starts sooner.
"""
