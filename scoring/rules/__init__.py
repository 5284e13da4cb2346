"""The rules of scoring as plain functions: no database, no clock, no float.

`ruleset` says what is data, `combine` makes one entry's score from its readings, `banking` keeps
scores over the years and sees whether they make a certificate, `catalogue` holds the shipped rule sets.
"""
