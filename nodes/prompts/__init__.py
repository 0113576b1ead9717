"""Prompts: their syntax, wildcards, and what the text encoder makes of them."""
