"""The firm's own evaluation standard: who is key, who moves, who could be."""
