"""Who buys how often, and for how long: purchase models on one summary row per account.

The models know no unit of time: what is given in days is returned per day, what is given in weeks
per week. `frequency` is the number of repeat purchases, `recency_days` the age of the account at
the last of them (0 where there is none), `age_days` the time from first purchase to the end of
observation.
"""
