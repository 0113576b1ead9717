"""Pictures in files and on the web: found, decoded, named, written."""
