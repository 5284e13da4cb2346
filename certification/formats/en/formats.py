"""How Django writes dates where no template says so, above all in the administration.

An instant always names its zone: staff sit in several, and deadlines end at midnight in only one.
"""

DATE_FORMAT = "j F Y"
DATETIME_FORMAT = "j F Y, H:i T"
SHORT_DATE_FORMAT = "j M Y"
SHORT_DATETIME_FORMAT = "j M Y, H:i T"
