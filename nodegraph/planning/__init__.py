"""From a document to a plan: every mistake at once, then calls in order."""
