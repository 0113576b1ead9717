"""The models there are, and what each is."""
