# Images, chart and cluster. Included by the Makefile; all of it in the foreground, nothing hidden from the operator.
REGISTRY ?= asia-northeast3-docker.pkg.dev/eventstorming-tool-db/eventstorming-repo
TAG ?= $(shell sed -n 's/^appVersion: *"\(.*\)"/\1/p' charts/eventstorming/Chart.yaml)
CONTAINER_TOOL ?=
PLATFORM ?= linux/amd64
BASE_IMAGE ?=
UV_IMAGE ?=
BUILD_FLAGS ?=
RELEASE ?= eventstorming
# As kubectl and Helm take it themselves: the context's.
NAMESPACE ?= $(or $(shell $(KUBECTL) config view --minify --output 'jsonpath={..namespace}' 2>/dev/null),default)
VALUES ?=
HELM_FLAGS ?=
NAME ?= eventstorming-generator

HELM = $(shell command -v helm || echo .tools/helm4/helm)
KUBECTL = $(shell command -v kubectl || echo .tools/helm4/kubectl)
TOOLS_READY := $(if $(shell command -v helm && command -v kubectl),,.tools/helm4)
# A registry or tag given by hand wins over the values file; the defaults do not.
IMAGE_FLAGS = $(if $(filter file,$(origin REGISTRY)),,--set image.registry=$(REGISTRY)) \
	$(if $(filter file,$(origin TAG)),,--set-string image.tag=$(TAG))
VALUES_FLAGS = --values make/own-images.yaml $(addprefix --values ,$(VALUES))
CHART_FLAGS = --namespace $(NAMESPACE) $(VALUES_FLAGS) $(IMAGE_FLAGS) $(HELM_FLAGS)
OURS = app.kubernetes.io/name=eventstorming,app.kubernetes.io/instance=$(RELEASE)
PROGRAMS = $(OURS),app.kubernetes.io/component in (poller,executor)
IMAGES = $(PY) -m scripts.images
IMAGE_OPTIONS = --registry "$(REGISTRY)" --tag "$(TAG)" --only "$(ONLY)" --tool "$(CONTAINER_TOOL)" --platform "$(PLATFORM)" \
	--base-image "$(BASE_IMAGE)" --uv-image "$(UV_IMAGE)" --flags="$(BUILD_FLAGS)"

##@ Deploy
.PHONY: build push chart-package chart-push chart-check chart-docs install uninstall status logs preflight containers
build: $(PY) ## Build the images (ONLY=poller,executor,poller-full, REGISTRY, TAG, CONTAINER_TOOL, PLATFORM, BASE_IMAGE, UV_IMAGE, BUILD_FLAGS)
	@$(IMAGES) build $(IMAGE_OPTIONS)

push: $(PY) ## Push the images and remember their digests (ONLY, REGISTRY, TAG)
	@$(IMAGES) push $(IMAGE_OPTIONS)

chart-package: $(DEV) ## Package the chart into dist/, stamped with the pushed digests (REGISTRY, TAG)
	@$(PY) -m scripts.chart_package --registry "$(REGISTRY)" --tag "$(TAG)"

chart-push: chart-package ## Push the packaged chart as oci://REGISTRY/charts
	$(HELM) push $$(ls -t dist/eventstorming-*.tgz | head -1) oci://$(REGISTRY)/charts

.PHONY: lint-chart
lint-chart: $(DEV)
	@$(PY) -m scripts.chart_docs --check

chart-check: lint-chart ## Lint, render and validate the chart with Helm 4 and 3, for every example: of `make test`, the chart's part
	@$(PY) -m pytest tests/chart

chart-docs: $(DEV) ## Write the chart's table of values and the examples' rendered files anew
	@$(PY) -m scripts.chart_docs

install: $(TOOLS_READY) ## Install, or upgrade and keep what was set (RELEASE, NAMESPACE, VALUES, TAG, HELM_FLAGS)
	$(HELM) upgrade --install $(RELEASE) charts/eventstorming --create-namespace --reset-then-reuse-values $(CHART_FLAGS)

uninstall: $(TOOLS_READY) ## Remove the release; the secrets stay
	$(HELM) uninstall $(RELEASE) --namespace $(NAMESPACE)
	-$(KUBECTL) delete pod --namespace $(NAMESPACE) --ignore-not-found -l $(OURS),app.kubernetes.io/component=test

status: $(TOOLS_READY) ## Pods, services, and what nodes and pods use
	$(KUBECTL) get pods,services --namespace $(NAMESPACE) -l $(OURS) -o wide
	-$(KUBECTL) top nodes
	-$(KUBECTL) top pods --namespace $(NAMESPACE) -l $(OURS) --containers

logs: $(TOOLS_READY) ## Follow the logs of poller and executors
	$(KUBECTL) logs --namespace $(NAMESPACE) -f -l '$(PROGRAMS)' --all-containers --prefix --max-log-requests 50

preflight: $(YAML) $(TOOLS_READY) ## Look for what would stop an install, and say the command that repairs it
	@$(PY) -m scripts.preflight --release $(RELEASE) --registry "$(REGISTRY)" --flags="$(CHART_FLAGS)"

containers: $(DEV) ## Build both images and run them in containers as the chart would (podman, runc, mmdebstrap; BEFORE=1: upgrades beside the old build)
	@$(PY) -m workbench.containers$(if $(BEFORE),.before) $(if $(SKIP_WHERE_IMPOSSIBLE),--skip-where-impossible)

.tools/helm4: | $(PY)
	@$(PY) -m scripts.kube_tools >/dev/null
