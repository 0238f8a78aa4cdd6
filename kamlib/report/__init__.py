"""Executed notebooks become self-contained pages; this room knows no study and computes nothing."""
