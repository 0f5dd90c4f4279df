# Random faults on real processes; the seed makes the same plan again.
SEED ?= 1
JOBS ?= 40
MINUTES ?= 3
EVERY ?= 6
MUTANT ?=
MUTANTS = fence token ack journal

##@ Try to break it
.PHONY: chaos chaos-mutants chaos-matrix chaos-rollout endurance
chaos: $(DEV) ## Jobs under random faults, then an independent audit of every promise (SEED, JOBS, MINUTES, MUTANT)
	@$(PY) -m workbench.chaos --seed $(SEED) --jobs $(JOBS) --minutes $(MINUTES) --every $(EVERY) $(if $(MUTANT),--mutant $(MUTANT))

chaos-mutants: $(DEV) ## The product with one of its keepers switched off: each must be noticed, and the whole one found good
	@set -e; for mutant in $(MUTANTS); do \
	  if $(PY) -m workbench.chaos --seed $(SEED) --jobs 24 --minutes 1.2 --mutant $$mutant; then echo "nothing noticed without the $$mutant"; exit 1; fi; \
	done
	@$(PY) -m workbench.chaos --seed $(SEED) --jobs 24 --minutes 1.2 --mutant none

chaos-matrix: $(DEV) ## kill -9 of executor, poller and both at every frame of one job
	@$(PY) -m workbench.chaos.matrix --all

chaos-rollout: $(DEV) ## Twenty upgrades of three executors and a poller under load: what was asked again, what was broken off
	@$(PY) -m workbench.chaos.rollout

endurance: $(DEV) ## 500 jobs in sequence at 0, 80 and 180 ms to the database: what grows?
	@$(PY) -m workbench.chaos.endurance
