"""Random faults on real processes, and an auditor that shares no code with the product (`make chaos`)."""
