"""The websocket: its protocol, its clients, and the hub that feeds them."""
