"""Covariates of account-months, each known before its month: one module per subject, one stack."""

from kamlib.churn.covariates.catalogue import COVARIATES, Covariate, leaking, sources, unknown
from kamlib.churn.covariates.stack import MONTH, Source, carried

__all__ = [
    "COVARIATES",
    "MONTH",
    "Covariate",
    "Source",
    "carried",
    "leaking",
    "sources",
    "unknown",
]
