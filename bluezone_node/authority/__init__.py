"""The health authority's services: registrar (codes, certificates) and publisher (keys, exports).

The registrar knows who was tested and never sees a key; the publisher sees keys and never learns
whose they are.  A signed certificate is all that travels from one to the other.
"""
