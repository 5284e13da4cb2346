"""Small payment providers that speak the real ones' wire format, for tests and for runs of faults."""
