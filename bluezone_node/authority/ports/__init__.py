"""What the authority's services need of the world, as protocols: one module for each port.

Two databases that never meet: the registry knows who was tested, the exposure store knows keys.
"""
