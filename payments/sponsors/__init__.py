"""The pages of who pays for others: purchase orders, seats, rosters, documents.

Nothing of portfolios and scores can be reached from here.  Source: the programme's rules, section 1.
"""
