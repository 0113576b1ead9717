"""Values of outputs: their leaves, what they hash to, and their form on disk."""
