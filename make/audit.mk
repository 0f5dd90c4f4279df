# Known holes in the locked dependencies, and what is in the images. The tools have an environment of their own: nothing here depends on them.
AUDIT := $(VENV)/.audit
AUDIT_TOOLS := pip-audit==2.10.1 cyclonedx-bom==7.5.0

##@ Look after it
.PHONY: audit sbom
audit: $(AUDIT)/.tools ## Compare the hashed locks with the known security holes (asks PyPI; what cannot be compared fails)
	@$(PY) -m scripts.audit $(AUDIT)/bin/pip-audit

sbom: $(AUDIT)/.tools ## What is in each image, from its hashed lock: dist/sbom-poller.json and so on (CycloneDX)
	@mkdir -p dist
	@for lock in poller poller-full executor; do \
	  $(AUDIT)/bin/cyclonedx-py requirements --of JSON --output-file dist/sbom-$$lock.json requirements/$$lock.txt; done

$(AUDIT)/.tools: make/audit.mk | $(PY)
	@$(PY) -m venv $(AUDIT)
	@PIP_NO_INPUT=1 $(AUDIT)/bin/python -m pip install --quiet --disable-pip-version-check $(AUDIT_TOOLS)
	@touch $@
