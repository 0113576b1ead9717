"""What must hold whatever is killed, and however full the disk is."""
