"""What a programme brought, cost and owes, in money, and how sure that is."""
