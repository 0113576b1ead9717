"""The editor in a real browser, on a real server: for its tests and its pictures in docs."""
