"""How much of an account's own growth goes on: the trend that its next year is expected to keep.

Accounts that grow faster than others come to weigh more, so that a unit's growth rises though no
account's does. A common growth learnt from years past, with nothing said of single accounts, says
too little for that reason.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

MIN_PAIRS = 20  # past account-years below which nothing is said about how revenue moves
_LASTING = np.linspace(0.0, 0.9, 19)  # share of a year's own growth that may be lasting
_FAR = 1.5  # own growth of a year beyond this, on the log scale, says no more
_WORTH = 3.84  # 95 % point of chi-squared with one degree: what a trend must be worth to be taken


def own_trend(level: Floats, revenue: Floats, settled: Bools) -> Floats:
    """Factor that an account's own growth so far puts on the year to come, common growth apart.

    Own growth of a year is that of the account's level, less what all share. Of its mean over n years the
    part n·r ÷ (1 + (n - 1)·r) is taken to last, r being the share that lasts of one year's growth. r
    is the value from 0 to 0.9 under which past years, each foreseen from those before it, differ least
    from what came (squares over level); 0 unless that is better than no trend by more than chance. An
    account without a whole year before its last is given the mean trend of all that have one.

    Parameters
    ----------
    level
        Level at the end of each year, the latest year first, 0 where there is none; shape (accounts,
        years).
    revenue
        Revenue of the same years.
    settled
        Levels that rest on a whole year, of accounts that then stayed for one more; same shape.

    Returns
    -------
    ndarray
        Factors on the levels, 1 where no year before is known of any account; same shape.

    References
    ----------
    Vaupel, J. W. and Yashin, A. I. (1985). Heterogeneity's ruses: some surprising effects of selection
    on population dynamics. The American Statistician 39, 176–185. doi:10.1080/00031305.1985.10479424
    Bühlmann, H. (1967). Experience rating and credibility. ASTIN Bulletin 4, 199–207 (the part of a
    mean of n years that is believed). doi:10.1017/S0515036100008989

    Examples
    --------
    >>> level = np.outer(np.repeat([1.0, 2.0], 15), [1.0, 1.0, 1.0])
    >>> own_trend(level, level, level > 0).max().item()
    1.0
    """
    found = [_trend(level, settled, share) for share in _LASTING]
    misfits = [_misfit(level, trend, revenue, settled & (n > 0)) for trend, n in found]
    best = int(np.argmin(misfits))
    trend, n = found[best]
    pairs = float((settled & (n > 0)).sum())
    if not misfits[best] > 0 or pairs * np.log(misfits[0] / misfits[best]) <= _WORTH:
        return np.ones(level.shape)
    return np.asarray(np.exp(trend))


def _trend(level: Floats, settled: Bools, share: float) -> tuple[Floats, Floats]:
    """Return the own growth expected of each account after each year, log scale, and years known."""
    total, n, trend = np.zeros((3, *level.shape))
    for k in range(level.shape[1] - 2, -1, -1):
        both = settled[:, k + 1] & (level[:, k] > 0)
        if both.sum() < MIN_PAIRS:
            continue
        now, before = level[both, k], level[both, k + 1]
        # what all share is what is left beyond the trends: else growth that rises by them is shared
        common = now.sum() / (before * np.exp(trend[both, k + 1])).sum()
        own = np.clip(np.log(now / before / common), -_FAR, _FAR)
        total[both, k] = total[both, k + 1] + own
        n[both, k] = n[both, k + 1] + 1
        lasts = share * total[both, k] / (1 + share * (n[both, k] - 1))
        trend[:, k] = np.average(lasts, weights=now)
        trend[both, k] = lasts
    return trend, n


def _misfit(level: Floats, trend: Floats, revenue: Floats, known: Bools) -> float:
    """Return squares of what came against the level on trend and common growth, over the level."""
    found = 0.0
    for k in range(1, level.shape[1]):
        here = known[:, k]
        if here.any():
            foreseen, came = level[here, k] * np.exp(trend[here, k]), revenue[here, k - 1]
            missed = came - foreseen * came.sum() / foreseen.sum()
            found += float((missed**2 / level[here, k]).sum())
    return found
