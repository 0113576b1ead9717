"""A plan's calls cut into tasks over items, and the frontier of those that are ready."""
