"""Records of one line per customer, of one day or of a finished trial, and which column says what."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from kamlib.errors import BookError


@dataclass(frozen=True, slots=True)
class Layout:
    """How a record is to be read.

    Attributes
    ----------
    title
        What the record is called where a file is none.
    account, tenure, left
        Columns of the customer, of its age in months, counting the month that has begun, and of
        whether it left ("Yes", "No"); of one that left the age is that on leaving.
    covariates
        Column -> name of the covariate, in order of importance. Numbers, or 1 for "Yes" and 0 for any
        other text, unless it stands among the groups.
    groups
        Covariates of texts, by which customers are compared one at a time; "No" becomes "no <name>".
    """

    title: str
    account: str
    tenure: str
    left: str
    covariates: Mapping[str, str]
    groups: tuple[str, ...] = ()

    def check(self, columns: Iterable[str], where: str) -> None:
        """Raise BookError, with the columns found, unless all columns are there."""
        needed = (self.account, self.tenure, self.left, *self.covariates)
        _check(self.title, needed, columns, where)


@dataclass(frozen=True, slots=True)
class TrialLayout:
    """How the record of a trial is to be read.

    Attributes
    ----------
    title
        What the record is called where a file is none.
    account
        Column of the customer; empty where the record names none, so that rows count.
    arm, control, arms
        Column of what a customer was sent, by the draw; what stands there for those that got nothing;
        all else that may stand there.
    money, shares
        Column -> name of an outcome: an amount per customer, or whether something happened (0 or 1,
        "No" or "Yes"). The first amount is what the trial is judged by.
    covariates
        Column -> name of what was known before the draw, as in `Layout`.
    groups
        Covariates of texts.
    past
        The covariate that foretells the first amount best: its own past.
    by
        Covariates by which effects are compared, stated before anybody looks.
    """

    title: str
    account: str
    arm: str
    control: str
    arms: tuple[str, ...]
    money: Mapping[str, str]
    shares: Mapping[str, str]
    covariates: Mapping[str, str]
    groups: tuple[str, ...]
    past: str
    by: tuple[str, ...]

    @property
    def outcomes(self) -> dict[str, str]:
        """All outcomes, column -> name, amounts first."""
        return {**self.money, **self.shares}

    def check(self, columns: Iterable[str], where: str) -> None:
        """Raise BookError, with the columns found, unless all columns are there."""
        account = (self.account,) if self.account else ()
        _check(self.title, (*account, self.arm, *self.outcomes, *self.covariates), columns, where)


def _check(title: str, needed: Iterable[str], columns: Iterable[str], where: str) -> None:
    found = list(columns)
    missing = [name for name in needed if name not in found]
    if missing:
        raise BookError(
            f"{where} is not {title}: no column {', '.join(missing)} "
            f"(columns found: {', '.join(found)})"
        )


CONTROL = "control"
# IBM's sample of a telephone company, version 1
TELCO = Layout(
    "the Telco record", "customerID", "tenure", "Churn",
    {
        "Contract": "contract", "InternetService": "internet", "PaymentMethod": "payment",
        "OnlineSecurity": "online_security", "TechSupport": "tech_support",
        "PaperlessBilling": "paperless", "MonthlyCharges": "monthly_charges",
        "SeniorCitizen": "senior", "Dependents": "dependents", "Partner": "partner",
    },
    ("contract", "internet", "payment"),
)  # fmt: skip
# the demo of `kamlib.book.simulate.subscribers`
SUBSCRIBERS = Layout(
    "the demo record", "subscriber", "months", "left",
    {"contract": "contract", "internet": "internet", "support": "tech_support",
     "paperless": "paperless"},
    ("contract", "internet"),
)  # fmt: skip
LAYOUTS: dict[str, Layout] = {"telco": TELCO, "mobile_subscribers": SUBSCRIBERS}
# MineThatData's e-mail test of 2008: three arms by lot, and what customers spent in the two weeks after
HILLSTROM = TrialLayout(
    "the Hillstrom record", "", "segment", "No E-Mail", ("Mens E-Mail", "Womens E-Mail"),
    {"spend": "revenue_after"}, {"visit": "visited", "conversion": "bought"},
    {
        "recency": "months_since_order", "history": "revenue_before", "mens": "bought_mens",
        "womens": "bought_womens", "newbie": "newcomer", "zip_code": "area", "channel": "channel",
        "history_segment": "revenue_class",
    },
    ("area", "channel", "revenue_class"), "revenue_before",
    ("bought_mens", "bought_womens", "newcomer", "area", "channel", "revenue_before",
     "months_since_order"),
)  # fmt: skip
# the demo of `kamlib.book.simulate.mailing`
MAILING = TrialLayout(
    "the demo trial", "customer", "arm", "nothing", ("catalogue", "catalogue and call"),
    {"revenue_8_weeks": "revenue_after"}, {"ordered": "bought"},
    {"revenue_last_year": "revenue_before", "months_since_order": "months_since_order",
     "newcomer": "newcomer", "orders_by": "channel"},
    ("channel",), "revenue_before",
    ("channel", "newcomer", "revenue_before", "months_since_order"),
)  # fmt: skip
TRIAL_LAYOUTS: dict[str, TrialLayout] = {"hillstrom": HILLSTROM, "mail_trial": MAILING}
