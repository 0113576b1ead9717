"""The server: HTTP under ``/v1``, a websocket of events, and the page of the editor at ``/``."""
