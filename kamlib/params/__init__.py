"""Parameters of a business unit: type, range, unit, meaning and default, each stated once.

A unit's file `params/<unit>.yaml` says only what differs from the defaults. YAML is read as plain
strings and converted by the declared type, so that `NO`, `007` and `2024-01-05` stay what they are.
All faults of a file are reported at once. Credentials stand in the environment and are named as
`${NAME}`; they are looked up only when a database is opened and are never shown.

`unit` holds the whole, `sources`, `ledger` and one module per study hold its sections; `read` and
`faults` turn YAML into a unit, `files` finds it by name, `describe` shows what there is to set.
"""

from kamlib.errors import ParamError
from kamlib.params.churn import ChurnParams
from kamlib.params.churn_snapshot import ChurnSnapshotParams
from kamlib.params.credentials import resolve_secrets
from kamlib.params.customer_value import (
    CriterionWeights,
    CustomerValueParams,
    EvaluationStandardParams,
    LifetimeParams,
    ProfitParams,
    TierName,
)
from kamlib.params.describe import SCHEMA_FILE, annotated_yaml, json_schema
from kamlib.params.files import home, load_unit, unit_names
from kamlib.params.ledger import LedgerParams
from kamlib.params.loyalty_roi import LoyaltyRoiParams
from kamlib.params.loyalty_trial import LoyaltyTrialParams
from kamlib.params.read import unit_from
from kamlib.params.section import RECORDS, Record, Section, Share
from kamlib.params.sources import SNAPSHOTS, TRIALS, BookSource, TableName, TableSource
from kamlib.params.unit import Unit, check_unit_name

__all__ = [
    "RECORDS",
    "SCHEMA_FILE",
    "SNAPSHOTS",
    "TRIALS",
    "BookSource",
    "ChurnParams",
    "ChurnSnapshotParams",
    "CriterionWeights",
    "CustomerValueParams",
    "EvaluationStandardParams",
    "LedgerParams",
    "LifetimeParams",
    "LoyaltyRoiParams",
    "LoyaltyTrialParams",
    "ParamError",
    "ProfitParams",
    "Record",
    "Section",
    "Share",
    "TableName",
    "TableSource",
    "TierName",
    "Unit",
    "annotated_yaml",
    "check_unit_name",
    "home",
    "json_schema",
    "load_unit",
    "resolve_secrets",
    "unit_from",
    "unit_names",
]
