"""Records of one day: one line per customer with its age and whether it left, and which column says what."""

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
        found = list(columns)
        needed = (self.account, self.tenure, self.left, *self.covariates)
        missing = [name for name in needed if name not in found]
        if missing:
            raise BookError(
                f"{where} is not {self.title}: no column {', '.join(missing)} "
                f"(columns found: {', '.join(found)})"
            )


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
