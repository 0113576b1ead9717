"""Workflow documents, the kinds they name, and templates expanded into one flat graph."""
