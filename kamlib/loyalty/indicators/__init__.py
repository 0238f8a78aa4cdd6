"""Loyal by what they do, and by what they say: five indicators, an index, and attitude beside it.

The five indicators and their index are this suite's operationalisation of behavioural loyalty, not a
standard of the field; that behaviour and attitude are held against one another follows Dick, A. S. and
Basu, K. (1994). Customer loyalty: toward an integrated conceptual framework. Journal of the Academy of
Marketing Science 22(2), 99–113. doi:10.1177/0092070394222001
"""
