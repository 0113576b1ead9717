"""The networks behind preprocessors, a module each.

The nodes are in ``nodes.preprocessors`` (lines, poses) and ``nodes.surfaces`` (depth, normals,
segments); ``sizes`` and ``files`` are what all networks share: in which size they look, and where
their weights are found.
"""
