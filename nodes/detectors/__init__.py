"""The networks behind preprocessors, a module each."""
