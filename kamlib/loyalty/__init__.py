"""Study 30: loyalty programmes and what they return."""
