# The budgets, measured on real processes; two runs compared. ONLY names measures (see --list), OUT is the record.

ONLY ?=

##@ Measure it
.PHONY: bench bench-compare bench-selftest bench-costs shows
bench: $(DEV) ## Measure every budget: table, record and page (ONLY=pickup,cpu OUT=bench.json QUICK=1)
	@$(PY) -m workbench.bench --only "$(ONLY)" --out "$(or $(OUT),bench.json)" $(if $(QUICK),--quick)

bench-compare: $(DEV) ## Better, worse or noise: two records (A=old.json B=new.json)
	@$(PY) -m workbench.bench compare $(A) $(B)

bench-selftest: $(DEV) ## One version twice must agree; with a slower dispatcher it must be called worse
	@$(PY) -m workbench.bench selftest

bench-costs: $(DEV) ## What 10, 1,000 and 100,000 jobs an hour take, computed from a record (A=bench.json)
	@$(PY) -m workbench.bench costs $(or $(A),bench.json)

shows: $(DEV) ## What people wait for, in seconds: a short text beside long ones, a long text's first context (BEFORE=1: the old build's, too)
	@$(PY) -m workbench.shows $(if $(BEFORE),--before)
