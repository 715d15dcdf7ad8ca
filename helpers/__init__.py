"""Plumbing that several notebooks share and that is not the lesson."""
