"""Study 20: churn as survival."""
