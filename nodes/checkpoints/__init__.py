"""From a model's name to its files: hub, folders, single files, hashes."""
