"""Plans executed: a generator of events over tasks, cache and lanes."""
