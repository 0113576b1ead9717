"""Figures of what every node does: one module for each kind of node, one frame for all."""
