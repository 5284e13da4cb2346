"""What `script/faults payments` and `script/bench payments` drive: a real site, and many clients at once.

Nothing here is collected by pytest.
"""
