"""Folders of node files for tests."""
