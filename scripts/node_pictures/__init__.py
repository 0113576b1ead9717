"""What every node does, as figures: one module for each kind of node, one frame for all."""
