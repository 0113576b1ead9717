"""What is claimed about speed, to be run again: `make bench` runs all and writes its page."""
