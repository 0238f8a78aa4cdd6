"""How far an effect of the programme can be trusted: the first design whose conditions hold, and its grade.

`Records` go into `ladder.climb`, which returns a `Finding`: the effect with its interval, its grade (A to
D, or R), the naive differences beside it, every condition that was looked at, and for each that failed its
code, its sentence and what would mend it. `retained.climb_retention` does the same for months stayed.
"""
