"""Plans looked at without running them: explained, compared, pinned."""
