"""What must be fast, measured as ratios within one run."""
