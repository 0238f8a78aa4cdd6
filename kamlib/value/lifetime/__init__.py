"""What each account will bring: purchase and renewal models, and what they are worth."""
