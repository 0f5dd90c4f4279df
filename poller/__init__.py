"""The poller: watches the queue in RTDB, places jobs on executors, stores what comes back."""
