"""The serve command: its options, and the parts of the server put together."""
