"""The authority's HTTP: routes parse, call one service and render."""
