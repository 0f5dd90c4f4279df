# Pollers, executors and the database in one process and in virtual time; a seed makes the same run again.
SEEDS ?= 1000
FIRST ?= 1

.PHONY: simulate simulate-mutants
simulate: $(DEV) ## Seeded faults at every await, thousands of runs a minute (SEEDS, FIRST; SEED=7 tells one as a timeline)
	@$(PY) -m workbench.simulation $(if $(filter file,$(origin SEED)),--seeds $(SEEDS) --first $(FIRST),--seed $(SEED)) $(if $(MUTANT),--mutant $(MUTANT))

simulate-mutants: $(DEV) ## The same with one protection off at a time: after how many seeds is it found? (SEEDS)
	@$(PY) -m workbench.simulation --mutants --seeds $(SEEDS)
