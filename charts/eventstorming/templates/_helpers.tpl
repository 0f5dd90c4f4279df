{{- define "es.fullname" -}}
{{- default (printf "%s-eventstorming" .Release.Name) .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{- /* Name of an object: dict "root" $ "component" "poller" | "executor". The poller has the bare name. */ -}}
{{- define "es.name" -}}
{{- include "es.fullname" .root -}}{{- if ne .component "poller" -}}-{{ .component }}{{- end -}}
{{- end -}}

{{- /* Never a version here: selectors cannot change. */ -}}
{{- define "es.selector" -}}
app.kubernetes.io/name: eventstorming
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{- /* No version here either: a new chart that changes nothing of a pod does not restart it. */ -}}
{{- define "es.podLabels" -}}
app: eventstorming-generator
app.kubernetes.io/part-of: eventstorming
{{ include "es.selector" . }}
{{- with .root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "es.labels" -}}
{{ include "es.podLabels" . }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "es.metadata" -}}
name: {{ .name | default (include "es.name" .) }}
namespace: {{ .root.Release.Namespace }}
labels:
  {{- include "es.labels" . | nindent 2 }}
{{- end -}}

{{- /* Not empty: this is the poller, and it needs what only its full image has. */ -}}
{{- define "es.full" -}}
{{- $v := .root.Values -}}
{{- if and (eq .component "poller") (or $v.poller.image.full $v.a2a.enabled $v.mcp.enabled $v.settings.OTEL_EXPORTER_OTLP_ENDPOINT) }}true{{ end -}}
{{- end -}}

{{- /* The values', else what was pushed with this package, unless a tag is asked for. */ -}}
{{- define "es.digest" -}}
{{- $own := (index .root.Values .component).image -}}
{{- $full := not (empty (include "es.full" .)) -}}
{{- $pushed := index .root.Chart.Annotations (printf "eventstorming/%s%s" .component (ternary "-full" "" $full)) -}}
{{- $given := ternary $own.fullDigest $own.digest $full -}}
{{- if $given }}{{ $given }}{{ else if not (or $own.tag .root.Values.image.tag) }}{{ $pushed }}{{ end -}}
{{- end -}}

{{- define "es.image" -}}
{{- $own := (index .root.Values .component).image -}}
{{- $repository := ternary $own.repository (printf "%s/%s" (trimSuffix "/" .root.Values.image.registry) $own.repository) (empty .root.Values.image.registry) -}}
{{- with include "es.digest" . -}}
{{ $repository }}@{{ . }}
{{- else -}}
{{ $repository }}:{{ include "es.scalar" (coalesce $own.tag .root.Values.image.tag .root.Chart.AppVersion) }}{{ with include "es.full" . }}-full{{ end }}
{{- end -}}
{{- end -}}

{{- /* `helm test` runs the command line, which has no settings but where to call. */ -}}
{{- define "es.settings.test" -}}{{- end -}}

{{- /* Which program reads which setting (values `settings`). A test compares these lists with the programs. */ -}}
{{- define "es.settings.both" -}}
JOB_TIMEOUT_SECONDS STEP_TIMEOUT_SECONDS JOB_MAX_TOKENS SHUTDOWN_GRACE_SECONDS GRPC_REFLECTION GRPC_ALLOW_PLAINTEXT_TOKEN LOG_LEVEL LOG_FORMAT OTEL_EXPORTER_OTLP_ENDPOINT OTEL_EXPORTER_OTLP_PROTOCOL OTEL_TRACES_SAMPLER OTEL_TRACES_SAMPLER_ARG
{{- end -}}
{{- define "es.settings.poller" -}}
NAMESPACE FIREBASE_DATABASE_URL FIREBASE_DATABASE_EMULATOR_HOST FIREBASE_DATABASE_LEASE_RULES LEASE_SECONDS MAX_ATTEMPTS RETENTION_FAILED_DAYS RETENTION_COMPLETED_DAYS MSAEZ_URL BOARD_URL A2A_EXTERNAL_URL A2A_PUSH_ALLOWED A2A_ANSWER
{{- end -}}
{{- define "es.settings.executor" -}}
AI_MODEL AI_MODEL_LIGHT OPENAI_BASE_URL LANGSMITH_TRACING LANGSMITH_PROJECT MAX_CONCURRENT_JOBS LLM_MAX_CONCURRENCY LLM_TIMEOUT_SECONDS LLM_EXTRA_BODY
{{- end -}}

{{- /* Keys of the app secret by program. */ -}}
{{- define "es.secretKeys.poller" -}}
FIREBASE_DATABASE_URL FIREBASE_SERVICE_ACCOUNT_PATH GRPC_TOKEN{{ include "es.secretKeys.traces" . }}
{{- end -}}
{{- define "es.secretKeys.test" -}}
GRPC_TOKEN
{{- end -}}
{{- define "es.secretKeys.executor" -}}
AI_MODEL AI_MODEL_LIGHT OPENAI_API_KEY OPENAI_BASE_URL LLM_EXTRA_HEADERS LANGSMITH_TRACING LANGSMITH_PROJECT LANGSMITH_API_KEY GRPC_TOKEN{{ include "es.secretKeys.traces" . }}
{{- end -}}

{{- define "es.secretKeys.traces" -}}
{{- if .Values.settings.OTEL_EXPORTER_OTLP_ENDPOINT }} OTEL_EXPORTER_OTLP_HEADERS{{ end -}}
{{- end -}}

{{- /* The port of the collector, for the network policy. */ -}}
{{- define "es.tracesPort" -}}
{{- with .Values.settings.OTEL_EXPORTER_OTLP_ENDPOINT -}}
{{- $url := urlParse . -}}
{{ regexFind ":[0-9]+$" $url.host | trimPrefix ":" | default (ternary "443" "80" (eq $url.scheme "https")) }}
{{- end -}}
{{- end -}}

{{- /* The pod cannot do its work without: the kubelet then names the missing key. */ -}}
{{- define "es.requiredKeys" -}}
{{- $model := default "" .Values.settings.AI_MODEL -}}
{{- if not .Values.settings.FIREBASE_DATABASE_EMULATOR_HOST }} FIREBASE_DATABASE_URL{{ end -}}
{{- if not (or (hasPrefix "offline:" $model) .Values.settings.OPENAI_BASE_URL) }} OPENAI_API_KEY{{ end -}}
{{- end -}}

{{- /* Not empty: the poller reads the service account key from its file. */ -}}
{{- define "es.keyFile" -}}
{{- if not (or .Values.demo.enabled .Values.poller.workloadIdentity.enabled .Values.settings.FIREBASE_DATABASE_EMULATOR_HOST) }}true{{ end -}}
{{- end -}}

{{- /* A number as it was written: plain toString makes 2000000 from a values file "2e+06". */ -}}
{{- define "es.scalar" -}}
{{- if and (kindIs "float64" .) (eq . (floor .)) -}}{{ int64 . }}{{- else -}}{{ . }}{{- end -}}
{{- end -}}

{{- /* Environment of a program as a map from name to entry, so that a name can appear only once. The later wins. */ -}}
{{- define "es.env" -}}
{{- $root := .root -}}
{{- $env := dict -}}
{{- if not $root.Values.demo.enabled -}}
  {{- $required := splitList " " (include "es.requiredKeys" $root) -}}
  {{- range $name := splitList " " (include (printf "es.secretKeys.%s" .component) $root) -}}
    {{- if or (ne $name "FIREBASE_SERVICE_ACCOUNT_PATH") (include "es.keyFile" $root) -}}
      {{- $ref := dict "name" $root.Values.secrets.app.name "key" (get $root.Values.secrets.app.keys $name | default $name) "optional" (not (has $name $required)) -}}
      {{- $_ := set $env $name (dict "name" $name "valueFrom" (dict "secretKeyRef" $ref)) -}}
    {{- end -}}
  {{- end -}}
{{- else if eq .component "poller" -}}
  {{- $_ := set $env "FIREBASE_DATABASE_EMULATOR_HOST" (dict "name" "FIREBASE_DATABASE_EMULATOR_HOST" "value" "127.0.0.1:9000") -}}
  {{- $_ := set $env "GRPC_REFLECTION" (dict "name" "GRPC_REFLECTION" "value" "true") -}}
{{- else if eq .component "executor" -}}
  {{- $_ := set $env "AI_MODEL" (dict "name" "AI_MODEL" "value" "offline:rules") -}}
  {{- $_ := set $env "GRPC_REFLECTION" (dict "name" "GRPC_REFLECTION" "value" "true") -}}
{{- end -}}
{{- if eq .component "test" -}}
  {{- $_ := set $env "JOBS_TARGET" (dict "name" "JOBS_TARGET" "value" (printf "%s-jobs:50052" (include "es.fullname" $root))) -}}
{{- end -}}
{{- if ne .component "test" -}}
  {{- $_ := set $env "BIND_HOST" (dict "name" "BIND_HOST" "value" "::") -}}
{{- end -}}
{{- if eq .component "poller" -}}
  {{- $_ := set $env "POD_ID" (dict "name" "POD_ID" "valueFrom" (dict "fieldRef" (dict "apiVersion" "v1" "fieldPath" "metadata.name"))) -}}
  {{- $_ := set $env "EXECUTOR_TARGET" (dict "name" "EXECUTOR_TARGET" "value" (printf "%s-executor-headless:50051" (include "es.fullname" $root))) -}}
{{- end -}}
{{- if and $root.Values.a2a.enabled (eq .component "poller") -}}
  {{- $_ := set $env "A2A_PORT" (dict "name" "A2A_PORT" "value" "5000") -}}
  {{- $_ := set $env "A2A_EXTERNAL_URL" (dict "name" "A2A_EXTERNAL_URL" "value" (printf "http://%s-a2a.%s.svc:5000" (include "es.fullname" $root) $root.Release.Namespace)) -}}
{{- end -}}
{{- if and $root.Values.mcp.enabled (eq .component "poller") -}}
  {{- $_ := set $env "MCP_HTTP" (dict "name" "MCP_HTTP" "value" "true") -}}
{{- end -}}
{{- if $root.Values.grpc.tlsSecret -}}
  {{- range $name, $file := dict "GRPC_TLS_CERT" "tls.crt" "GRPC_TLS_KEY" "tls.key" "GRPC_TLS_CA" "ca.crt" -}}
    {{- $_ := set $env $name (dict "name" $name "value" (printf "/app/.tls/%s" $file)) -}}
  {{- end -}}
{{- else -}}
  {{- /* Both programs are in one cluster; settings.GRPC_ALLOW_PLAINTEXT_TOKEN=false insists on grpc.tlsSecret. */ -}}
  {{- $_ := set $env "GRPC_ALLOW_PLAINTEXT_TOKEN" (dict "name" "GRPC_ALLOW_PLAINTEXT_TOKEN" "value" "true") -}}
{{- end -}}
{{- if and $root.Values.certificates.configMap (ne .component "test") -}}
  {{- range $name := list "SSL_CERT_FILE" "REQUESTS_CA_BUNDLE" -}}
    {{- $_ := set $env $name (dict "name" $name "value" "/app/.ca/ca.crt") -}}
  {{- end -}}
{{- end -}}
{{- $own := include (printf "es.settings.%s" .component) $root -}}
{{- range $name := compact (splitList " " (ternary (printf "%s %s" (include "es.settings.both" $root) $own) "" (ne $own ""))) -}}
  {{- if hasKey $root.Values.settings $name -}}
    {{- $value := include "es.scalar" (get $root.Values.settings $name) -}}
    {{- $_ := set $env $name (dict "name" $name "value" $value) -}}
  {{- end -}}
{{- end -}}
{{- range $name, $value := (get $root.Values .component | default dict).extraEnv -}}
  {{- if hasKey $env $name -}}
    {{- fail (printf "%s.extraEnv.%s: the chart sets this variable itself; use settings.%s or the secret instead." $.component $name $name) -}}
  {{- end -}}
  {{- $_ := set $env $name (dict "name" $name "value" ($value | toString)) -}}
{{- end -}}
{{- $list := list -}}
{{- range $name := keys $env | sortAlpha -}}{{- $list = append $list (get $env $name) -}}{{- end -}}
{{- toYaml $list -}}
{{- end -}}

{{- /* Hash of what this pod takes from secrets made by the chart: a change restarts it, and only it. */ -}}
{{- define "es.podAnnotations" -}}
{{- $root := .root -}}
{{- $seen := dict -}}
{{- if $root.Values.secrets.app.create -}}
  {{- range $name := splitList " " (include (printf "es.secretKeys.%s" .component) $root) -}}
    {{- if hasKey $root.Values.secrets.app.values $name }}{{- $_ := set $seen $name (get $root.Values.secrets.app.values $name) -}}{{- end -}}
  {{- end -}}
{{- end -}}
{{- if and $root.Values.secrets.firebaseKey.create (eq .component "poller") -}}
  {{- $_ := set $seen "key" $root.Values.secrets.firebaseKey.value -}}
{{- end -}}
kubectl.kubernetes.io/default-container: {{ .component }}
{{- with (index $root.Values .component).podAnnotations }}
{{ toYaml . }}
{{- end }}
{{- with $seen }}
eventstorming/secrets: {{ toJson . | sha256sum }}
{{- end }}
{{- with $root.Values.rolloutToken }}
eventstorming/rollout: {{ include "es.scalar" . | quote }}
{{- end }}
{{- end -}}

{{- define "es.podSecurity" -}}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  seccompProfile: {type: RuntimeDefault}
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- end -}}

{{- define "es.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end -}}

{{- /* 5m: what the full e2-medium node still has beside both programs. */ -}}
{{- define "es.testContainer" -}}
resources:
  requests: {cpu: 5m, memory: 64Mi}
  limits: {cpu: 300m, memory: 256Mi}
securityContext:
  {{- include "es.containerSecurity" . | nindent 2 }}
{{- end -}}

{{- /* Ten seconds more than the programs take to hand over. */ -}}
{{- define "es.grace" -}}
{{- add 10 (default 20 .Values.settings.SHUTDOWN_GRACE_SECONDS | int64) -}}
{{- end -}}

{{- /* Not empty: how many executors there are is not for the values to say. */ -}}
{{- define "es.scaledByOthers" -}}
{{- if or (ne .Values.autoscaling.mode "none") (kindIs "invalid" .Values.executor.replicas) }}true{{ end -}}
{{- end -}}

{{- define "es.placement" -}}
{{- range $key := list "nodeSelector" "tolerations" "priorityClassName" -}}
{{- with get $ $key }}
{{ toYaml (dict $key .) }}
{{- end }}
{{- end }}
{{- end -}}

{{- /* Imports take 5 s at 300m CPU and 20 s at 100m: a pod may take three minutes to start, then 30 s of silence end it. */ -}}
{{- define "es.probes" -}}
startupProbe:
  httpGet: {path: /ok, port: http}
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 18
livenessProbe:
  httpGet: {path: /ok, port: http}
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 3
readinessProbe:
  httpGet: {path: /readyz, port: admin}
  periodSeconds: 5
  timeoutSeconds: 5
  failureThreshold: 2
{{- end -}}

{{- define "es.mounts" -}}
- name: tmp
  mountPath: /tmp
{{- if .Values.grpc.tlsSecret }}
- name: tls
  mountPath: /app/.tls
  readOnly: true
{{- end }}
{{- if .Values.certificates.configMap }}
- name: certificates
  mountPath: /app/.ca
  readOnly: true
{{- end }}
{{- end -}}

{{- define "es.volumes" -}}
- name: tmp
  emptyDir: {sizeLimit: 64Mi}
{{- if .Values.grpc.tlsSecret }}
- name: tls
  secret:
    secretName: {{ .Values.grpc.tlsSecret }}
    defaultMode: 0440
{{- end }}
{{- with .Values.certificates }}
{{- if .configMap }}
- name: certificates
  configMap:
    name: {{ .configMap }}
    items:
      - {key: {{ .key }}, path: ca.crt}
{{- end }}
{{- end }}
{{- end -}}
