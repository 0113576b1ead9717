"""The claims about speed, to be measured again: `make bench` runs all and writes its page."""
