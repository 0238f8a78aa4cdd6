"""What a simulated business unit is made of: the coefficients that are true in it.

Rates are per account and month, sizes in standard deviations, money in the unit's currency. The
equations that use these names stand in the docstring of `kamlib.book.simulate`.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Population:
    """Who the accounts are."""

    prefix: str
    accounts: int
    segments: tuple[str, ...]
    regions: tuple[str, ...]
    intermediary_share: float
    intermediary_size: float  # added to z of an intermediary
    parent_share: float  # accounts that belong to a group
    served_share: float  # end customers that an intermediary serves
    per_manager: int  # accounts that one manager holds
    onboarded_before: float = 0.60  # share of accounts older than the records
    costly_share: float = 0.03


@dataclass(frozen=True, slots=True)
class Spending:
    """How much an account buys."""

    base: float  # list money per month of an account with z = 0, in January 2021
    size_sd: float
    drift_mean: float  # per year
    drift_sd: float
    season: float
    season_peak: int  # month of the year, 1 = January
    ar: float
    ar_sd: float  # sd of the innovation
    complaint_response: float  # per complaint (at most 3) in the three months before
    partial_rate: float  # chance per month to move part of the business elsewhere
    partial_log_factor: float
    destocking_share: float = 0.0  # of intermediaries


@dataclass(frozen=True, slots=True)
class Price:
    """List price, discount and unit cost."""

    list_drift: float  # per year, log
    discount_base: float
    discount_size: float  # per unit of z
    discount_creep: float  # per year
    discount_sd: float
    cost_share: float  # unit cost / list price in January 2021
    cost_drift: float  # per year, log
    costly_discount: float = 0.25
    return_rate: float = 0.02


@dataclass(frozen=True, slots=True)
class Line:
    """A product line: share of the business, products and their range of list prices."""

    name: str
    share: float
    products: int
    price_low: float
    price_high: float


@dataclass(frozen=True, slots=True)
class Stream:
    """A way of buying: a bill every month, or orders whose gaps are gamma distributed."""

    lines: tuple[Line, ...]
    orders_per_month: float = 0.0  # 0: billed monthly
    gap_shape: float = 1.0  # 1: exponential gaps
    extra_lines: float = 0.0  # an order has 1 + Poisson(extra_lines) lines
    frequency_share: float = 0.5  # part of size that shows in how often, not in how much


@dataclass(frozen=True, slots=True)
class Retention:
    """log cumulative hazard of leaving in a month (complementary log-log link)."""

    intercept: float
    duration: float
    open_complaint: float
    complaints_3m: float
    late_responses_6m: float
    manager_left_6m: float
    manager_rotated_6m: float
    platinum: float
    gold: float
    lead: float
    level_1: float
    level_2: float
    level_3: float
    size: float
    attitude: float
    partial_loss: float
    contract_due: float = 0.0
    monthly_contract: float = 0.0
    visits: float = 0.0  # visits go to accounts in trouble and change nothing


@dataclass(frozen=True, slots=True)
class Competing:
    """log cumulative hazards of ends that are no churn."""

    insolvent: float = -7.6
    insolvent_late_payer: float = 0.5
    merged: float = -8.2
    ended_by_us: float = -8.8
    ended_by_us_costly: float = 2.0
    ended_by_us_late_payer: float = 0.4


@dataclass(frozen=True, slots=True)
class Programme:
    """Who enrols, what it does, what it costs."""

    launch_month: int
    enrol_intercept: float
    enrol_size: float
    enrol_attitude: float
    enrol_recent_run: float  # per unit of the mean shock of the three months before
    upgrade_1_2: float  # per quarter
    upgrade_2_3: float
    leave: float  # per quarter
    spend_level_1: float
    spend_level_2: float
    spend_level_3: float
    setup: float
    platform_per_month: float
    communication_per_quarter: float  # per member
    service_per_month_2: float  # per member of level 2
    service_per_month_3: float
    reward_1: float = 0.010  # of the members' net revenue
    reward_2: float = 0.015
    reward_3: float = 0.020


@dataclass(frozen=True, slots=True)
class Trial:
    """A random assignment to level 1 or to no programme."""

    month: int
    until_month: int
    share: float  # of the groups that are eligible
    compliance: float
    crossover: float


@dataclass(frozen=True, slots=True)
class Service:
    """Cases of service: how often, how late, how dear."""

    complaint: float  # cases per month at z = 0, quality = 0, tenure = 0
    grumble: float
    request: float
    maintenance: float
    installation: float
    training: float
    cost_per_minute: float
    cost_per_event: float
    compensation: float
    visit_cost: float
    visits: tuple[float, float, float, float]  # per month by tier, platinum first
    size: float = 0.35
    quality: float = -0.50  # complaints and grumbles only
    tenure: float = -0.05  # per year, at most 8
    after_grumble: float = 0.50  # on complaints, per grumble of the month before (at most 2)
    costly: float = 2.00
    late_mean: float = -0.90  # of log(first response / promised)
    late_quality: float = -0.35
    late_sd: float = 0.90
    visits_after_complaint: float = 0.60  # per complaint (at most 2) in the three months before


@dataclass(frozen=True, slots=True)
class Staff:
    """Account managers, as seats that change hands (chance per seat and month)."""

    departure: float = 0.013
    rotation: float = 0.010
    longest_gap: int = 45  # days without a manager after a departure


@dataclass(frozen=True, slots=True)
class Payment:
    """When invoices are paid; late_payer is a standard normal trait."""

    terms: tuple[int, ...]
    days_mean: float = 2.0
    days_late_payer: float = 9.0
    days_sd: float = 6.0
    disputed: float = 0.02
    disputed_days: float = 45.0
    unpaid: float = 0.01
    instalments: float = 0.08


@dataclass(frozen=True, slots=True)
class UnitModel:
    """One business unit."""

    unit: str
    kind: str  # contractual, non_contractual
    seed: int
    population: Population
    spending: Spending
    price: Price
    streams: tuple[Stream, ...]
    retention: Retention
    programme: Programme
    service: Service
    payment: Payment
    winback: float  # chance per month, from the sixth month after a loss
    acquisition: float  # money per account won at z = 0
    contract_terms: tuple[tuple[int, float], ...] = ()  # months, share
    second_contract_share: float = 0.0
    trial: Trial | None = None
    competing: Competing = field(default_factory=Competing)
    staff: Staff = field(default_factory=Staff)
