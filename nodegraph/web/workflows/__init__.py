"""Workflows as the server keeps and checks them."""
