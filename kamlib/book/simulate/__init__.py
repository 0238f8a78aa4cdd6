"""Simulated books of three business units, with known truth.

Five calendar years, 2021-01-01 to 2025-12-31. Every account is made of traits, lives month by
month under the hazards below, and leaves the records that a firm would keep. What is true stands
here, in `Simulated.truth` (the names below are its keys) and in the code that draws; a study never
reads it, a test does. All that is drawn comes from the seed: same seed and size, same frames.

The units
---------
commercial_vehicles
    240 accounts, few and large; vehicles, parts and tyres by order, service contracts and
    telematics by monthly bill; contracts of two to four years, a fifth of the accounts with a
    second one in parallel; dealers (intermediaries) serve most end customers.
telecom_lines
    2,500 accounts, many small; monthly bills; contracts of one, twelve or twenty-four months; a
    trial of level 1.
industrial_supplies
    900 accounts, seven product lines by order; no contracts, so that a loss is silence. It has
    no table `contracts`; why an account ended stands in `defections` alone. Some intermediaries
    stop ordering for three to five months in spring 2023, sell from stock, and go on.

Two demos are no books: mobile_subscribers is a record of one day (`subscribers`), mail_trial one of a
finished trial (`mailing`).

Only telecom_lines has the table `trials`. `defections` carries `recorded_on`; no other table does,
and none carries `currency`. Where a contract, an assignment or a membership ends, the day named is
the last one in force.

Accounts
--------
z (`size`), attitude a, service trait q (`quality`) and late payer p are standard normal, but

    z + population.intermediary_size for an intermediary;  corr(a, z) = 0.2 before that shift.

population.onboarded_before of the accounts were won before the records begin (up to ten years
earlier, the left truncation), the others on days from January 2021 to September 2025. A few
middling accounts are costly (`costly_accounts`): much service, deep discount, many visits; nearly
all bring less than they cost.

Spending
--------
With month m = 0 … 59, t = m / 12 years, for a living account i,

    log V = log(spending.base) + spending.size_sd · z + drift_i · (m - 30) / 12
            + spending.season · cos(2π (month of year - spending.season_peak) / 12) + u
            + programme.spend_<level> + spending.complaint_response · min(complaints of the
              three months before, 3) + spending.partial_log_factor · [after a partial loss]
    drift_i ~ Normal(spending.drift_mean, spending.drift_sd)
    u = spending.ar · u(m-1) + Normal(0, spending.ar_sd)

V is the expected volume of the month at list prices of January 2021. A partial loss comes at
spending.partial_rate per month; two in five of them take the whole main product line instead of
the factor. V is spread over the product lines that the account takes; bills carry V with a noise
of 4 %. Orders follow a renewal process with gamma gaps (shape streams[].gap_shape, 1 being
exponential) in operational time, at

    rate = streams[].orders_per_month · exp(streams[].frequency_share · spending.size_sd · z)
           · V / (base · exp(spending.size_sd · z)),

so that size shows partly in how often and partly in how much, and everything that moves in time
shows in how often. An order has 1 + Poisson(streams[].extra_lines) lines.

Prices
------
    list price = price of January 2021 · exp(price.list_drift · t)
    discount   = price.discount_base + price.discount_size · z + price.discount_creep · t
                 + Normal(0, price.discount_sd) + price.costly_discount · costly, in [0, 0.45]
    unit cost  = price of January 2021 · price.cost_share · exp(price.cost_drift · t)

Price realisation is 1 - discount. A line is returned, wholly or in part, at price.return_rate.

Retention
---------
A month's chance to leave, from the first full month of a spell on, is 1 - exp(-exp(eta)) with

    eta = retention.intercept + retention.duration · log(1 + years since the spell began)
          + sum of retention.<covariate> · covariate,

and covariates as known on the first day of the month: open_complaint (0/1), complaints_3m
(opened in the three calendar months before, at most 3), late_responses_6m (promises of a first
response that broke in the six months before, at most 4), manager_left_6m and manager_rotated_6m
(the last day of a former account manager falls in the six months before and in this spell), tier
(iron is the reference), level (0 is; a lost account that returns has none), partial_loss, size z,
attitude, contract_due (a contract of a year or more ends in the month), monthly_contract. Visits
have no effect; they go where complaints are. competing.* are the log hazards of insolvency, merger
and endings by us; the ends compete within the month in proportion to their hazards. A lost account
returns at `winback` per month from the sixth month after its loss, as a new spell.

Contracts: whoever leaves in a month in which a long contract ends does not renew it; else the
contract ends early on the last day of the month. No contracts: orders stop on a day of the month.
The reason of a loss is drawn in proportion to `reasons`, so that manager_left follows departures
and service follows complaints.

Tiers and programme
-------------------
Every 1 February the year's tier is decided on size and spending of the year before. Each quarter
from programme.launch_month on, an account that is not in the programme enrols with log odds

    programme.enrol_intercept + programme.enrol_size · z + programme.enrol_attitude · a
    + programme.enrol_recent_run · mean(u of the three months before).

So members would buy more and stay longer without any programme; in industrial_supplies the good
run that got them nominated also fades by itself. The true effects are programme.spend_level_1 to
_3 on log V and retention.level_1 to _3 on eta, from the first of the month on which the level is in
force. Levels are cumulative: the effect of a level holds all that the ones below give. What the
programme brought to living accounts stands in realised.programme_extra_revenue (expected net
revenue at the lives as they were, without what longer lives brought and before product lines that
moved elsewhere and returns are taken off). Costs:
programme.setup, platform_per_month, communication_per_quarter, service_per_month_2 and _3 and
reward_1 to _3, a share of members' revenue.

The trial (telecom_lines): on 9 January 2023 a share of the groups without member was drawn, half
to level 1, half to no programme, until the end of 2024. Of arm 1 trial.compliance enrol within six
weeks, of the controls trial.crossover do.

Service, payment, surveys
-------------------------
Cases per month: service.<kind> · exp(service.size · z + service.tenure · min(years, 8)
+ service.costly · costly); complaints and grumbles also exp(service.quality · q), complaints also
exp(service.after_grumble · min(grumbles of the month before, 2)). log(first response / promised)
~ Normal(service.late_mean + service.late_quality · q, service.late_sd). Visits per month:
service.visits by tier · exp(service.visits_after_complaint · min(complaints of three months, 2)),
2.5 times that for costly accounts; none while the account has no manager.
Days from due date to payment ~ Normal(payment.days_mean + payment.days_late_payer · p,
payment.days_sd), and payment.disputed_days more for a disputed invoice. Answers are
round(mean + loading · latent + method effect + Normal(0, surveys.item_sd)), in 1 … 10; latents
follow surveys.paths, loadings stand in surveys.loadings.

True values
-----------
::

                                           vehicles     telecom  industrial
    spending.base                            260000        3200       14000
    spending.size_sd                           1.25        1.35        1.40
    spending.drift_mean                        0.01        0.00        0.00
    spending.drift_sd                          0.10        0.10        0.12
    spending.season                            0.12        0.03        0.10
    spending.season_peak                          4          11           6
    spending.ar                                0.60        0.60        0.60
    spending.ar_sd                             0.16        0.08        0.20
    spending.complaint_response               -0.05       -0.03       -0.06
    spending.partial_rate                    0.0030      0.0030      0.0035
    spending.partial_log_factor               -0.80       -0.70       -0.80
    spending.destocking_share                  0.00        0.00        0.20
    price.list_drift                          0.018      -0.015       0.020
    price.discount_base                        0.08        0.06        0.10
    price.discount_size                       0.025       0.030       0.030
    price.discount_creep                      0.008       0.012       0.010
    price.discount_sd                         0.020       0.020       0.025
    price.cost_share                           0.68        0.55        0.58
    price.cost_drift                          0.020      -0.005       0.025
    price.costly_discount                      0.20        0.25        0.25
    price.return_rate                         0.020       0.006       0.020
    retention.intercept                       -5.45       -4.85       -4.35
    retention.duration                        -0.25       -0.30       -0.25
    retention.open_complaint                   0.80        0.70        0.60
    retention.complaints_3m                    0.35        0.30        0.30
    retention.late_responses_6m                0.20        0.15        0.15
    retention.manager_left_6m                  1.10        0.70        0.90
    retention.manager_rotated_6m               0.05        0.00        0.05
    retention.platinum                        -0.50       -0.50       -0.45
    retention.gold                            -0.30       -0.25       -0.25
    retention.lead                             0.20        0.20        0.25
    retention.level_1                         -0.10       -0.25       -0.15
    retention.level_2                         -0.30       -0.40       -0.30
    retention.level_3                         -0.60       -0.60       -0.50
    retention.size                            -0.10       -0.10       -0.15
    retention.attitude                        -0.30       -0.30       -0.30
    retention.partial_loss                     0.70        0.60        0.70
    retention.contract_due                     2.80        2.20        0.00
    retention.monthly_contract                 0.00        0.80        0.00
    retention.visits                           0.00        0.00        0.00
    competing.insolvent                       -7.60       -7.60       -7.60
    competing.insolvent_late_payer             0.50        0.50        0.50
    competing.merged                          -8.20       -8.20       -8.20
    competing.ended_by_us                     -8.80       -8.80       -8.80
    competing.ended_by_us_costly               2.00        2.00        2.00
    competing.ended_by_us_late_payer           0.40        0.40        0.40
    winback                                   0.010       0.008       0.012
    programme.launch_month                       12           6          15
    programme.enrol_intercept                 -3.40       -4.00       -3.60
    programme.enrol_size                       0.70        0.60        0.60
    programme.enrol_attitude                   0.40        0.30        0.30
    programme.enrol_recent_run                 0.00        0.00        1.50
    programme.spend_level_1                    0.04        0.06        0.06
    programme.spend_level_2                    0.07        0.09        0.10
    programme.spend_level_3                    0.12        0.12        0.15
    service.late_mean                         -0.90       -0.90       -0.90
    service.late_quality                      -0.35       -0.35       -0.35
    service.late_sd                            0.90        0.90        0.90
    service.quality                           -0.50       -0.50       -0.50
    service.tenure                            -0.05       -0.05       -0.05
    service.after_grumble                      0.50        0.50        0.50
    service.costly                             2.00        2.00        2.00
    service.visits_after_complaint             0.60        0.60        0.60
    payment.days_mean                          2.00        2.00        2.00
    payment.days_late_payer                    9.00        9.00        9.00
    payment.days_sd                            6.00        6.00        6.00
    staff.departure                           0.013       0.013       0.013
    staff.rotation                            0.010       0.010       0.010

Further keys of the truth: unit, kind, seed, size, first_day, last_day, population, streams,
contract_terms, second_contract_share, trial, acquisition, points, surveys, reasons, realised,
destocked_accounts.

References
----------
Prentice, R. L. & Gloeckler, L. A. (1978). Regression analysis of grouped survival data with
application to breast cancer data. Biometrics 34(1), 57–67 (the monthly hazard as a grouped
proportional hazard). doi:10.2307/2529588
"""

from kamlib.book.simulate.build import Simulated, simulate
from kamlib.book.simulate.units import DEMO_UNITS
from kamlib.book.simulate.write import write_demo

__all__ = ["DEMO_UNITS", "Simulated", "simulate", "write_demo"]
