# Random faults on real processes; the seed makes the same plan again.
SEED ?= 1
JOBS ?= 40
MINUTES ?= 3

##@ Try to break it
.PHONY: chaos
chaos: $(DEV) ## Jobs under random faults, then an independent audit of every promise (SEED, JOBS, MINUTES)
	@$(PY) -m tests.chaos --seed $(SEED) --jobs $(JOBS) --minutes $(MINUTES)
