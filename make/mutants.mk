# Mutation testing of what keeps the promises: every small change to it must fail a test that starts no process.
MUTATED := $(VENV)/.mutants
ONLY_MUTANTS = $(addsuffix *,$(subst /,.,$(patsubst %.py,%,$(subst $(comma), ,$(ONLY)))))
comma := ,
CHILDREN ?= $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1)

.PHONY: mutants mutants-table
mutants: $(MUTATED) ## Change what keeps the promises a little, thousands of times: which test notices? (ONLY=poller/rtdb/fence.py; CHILDREN at once)
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/mutmut run --max-children $(CHILDREN) $(if $(ONLY),$(ONLY_MUTANTS)) >$(MUTATED).log 2>&1 || \
	  { tr '\r' '\n' <$(MUTATED).log | tail -30; exit 1; }
	@$(PY) -m workbench.mutants $(if $(ONLY),$(ONLY_MUTANTS))

mutants-table: $(MUTATED) ## The table of the last `make mutants`, and what survived it
	@$(PY) -m workbench.mutants

$(MUTATED): requirements/mutants.txt $(DEV)
	@$(INSTALL) --require-hashes -r requirements/mutants.txt
	@touch $@
