"""The health authority's services, a room for each: keys, codes, places, and who works with them.

The registrar knows who was tested and never sees a key; the publisher sees keys and never learns
whose they are.  A signed certificate is all that travels from one to the other.  Places are known
to their registrar, and who visited them to nobody.
"""
