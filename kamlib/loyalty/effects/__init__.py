"""What a programme changed, from one row per account: by chance, by likeness, and how wrong that may be.

A `Sample` goes into an estimator, which gives an `Effect`; `estimate` turns it into an `Estimate` with its
interval, its sentence and its checks. Assigned by chance: `randomised`, `shares`, `permutation`, `clusters`,
`assignment`, `power`. Chosen otherwise: `propensity`, `weighting`, `entropy`, `imputed`, `overlap`. Skewed
amounts: `percent`. What nobody recorded: `e_value`, `hidden_cause`.
"""
