"""Numerics that two studies share."""
