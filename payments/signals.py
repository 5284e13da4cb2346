"""The one signal of the project.  A lost one costs only time: its receivers are reconcilers too."""

from django.dispatch import Signal

# Sent after commit, with `purpose` and `purpose_id`, when an order is covered: accepted, seated or settled.
order_settled = Signal()
