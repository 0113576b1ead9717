"""Tools of the workshop: docs written, models converted, the code and its wheel checked."""
