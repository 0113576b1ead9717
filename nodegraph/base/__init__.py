"""The ground of all layers: keys, orders, safe paths, files written whole, strict JSON, wording."""
