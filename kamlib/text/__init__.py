"""Texts for readers; read through `kamlib.glossary`."""
