"""Labelled pictures: the one format on disk, importers, splits, checks and synthetic ones."""
