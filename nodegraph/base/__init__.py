"""What everything else stands on: keys, safe paths, wording, files."""
