"""Plain functions on the pixels of pictures and masks."""
