# The chart on a real cluster. KUBECONFIG names it, REGISTRY and TAG its images; without KUBECONFIG kind makes one, with images made here.

.PHONY: cluster
cluster: $(DEV) ## Install, test, upgrade under load, scale, roll back, uninstall by both Helms, on KUBECONFIG's cluster or kind's
	@$(PY) -m workbench.cluster $(if $(KUBECONFIG),--registry "$(REGISTRY)" --tag "$(TAG)") $(if $(SKIP_WHERE_IMPOSSIBLE),--skip-where-impossible)
