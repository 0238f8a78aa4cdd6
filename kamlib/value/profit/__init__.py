"""Where the contribution comes from, why it changed, and what comes back on what is spent."""
