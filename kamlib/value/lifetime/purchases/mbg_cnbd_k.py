"""Regular buyers: the MBG/CNBD-k model, and which k the records speak for."""

from __future__ import annotations

from typing import Literal

from kamlib.value.lifetime.purchases.bg_nbd import MBG_NBD, GeometricDropout
from kamlib.value.lifetime.purchases.fit import Fit, Prior, fit
from kamlib.value.lifetime.purchases.summary import Purchases

MAX_K = 12
# twice the log-likelihood that a more regular model must gain, so that noise is not called rhythm
_GAIN = 3.84


def mbg_cnbd(k: int) -> GeometricDropout:
    """Return the model of gaps that are Erlang(k); k = 1 is MBG/NBD itself.

    Examples
    --------
    >>> mbg_cnbd(3).name
    'MBG/CNBD-3'
    """
    return MBG_NBD if k == 1 else GeometricDropout(f"MBG/CNBD-{k}", at_start=1, k=k)


def fit_regular(
    rows: Purchases,
    *,
    prior: Prior | Literal["weak"] | None = "weak",
    max_k: int = MAX_K,
) -> Fit:
    """Regularity and parameters of the accounts' purchases, by the likelihood of their gaps.

    Parameters
    ----------
    rows
        Purchase summaries with `log_gaps`, the sum over all accounts of the logarithms of the times
        between purchases: without it models of different k cannot be compared. Days are merged
        before, so that no gap is zero.
    prior
        As for `fit`. A prior of another k than the one tried is a prior of another model: pass a
        pooled one only with `max_k=1`.
    max_k
        Largest k tried. The search ends with the first k that fits worse than the one before.

    Returns
    -------
    Fit
        Of the smallest k whose likelihood no larger k beats by more than chance would (twice the
        log-likelihood, 3.84); its `model.k` says which.

    References
    ----------
    Reutterer, T., Platzer, M. and Schröder, N. (2021). Leveraging purchase regularity for
    predicting customer behavior the easy way. International Journal of Research in Marketing 38,
    194–215. doi:10.1016/j.ijresmar.2020.09.002
    """
    best = fit(mbg_cnbd(1), rows, prior=prior)
    before = best.log_likelihood
    for k in range(2, max_k + 1):
        found = fit(mbg_cnbd(k), rows, prior=prior)
        if 2 * (found.log_likelihood - best.log_likelihood) > _GAIN and found.converged:
            best = found
        if found.log_likelihood < before:
            break
        before = found.log_likelihood
    return best
