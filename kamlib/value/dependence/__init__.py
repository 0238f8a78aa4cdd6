"""On whom the unit depends: accounts, account managers, contacts."""
