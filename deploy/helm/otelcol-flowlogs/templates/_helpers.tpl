{{- define "otelcol-flowlogs.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 55 | trimSuffix "-" }}
{{- end }}

{{/* Leaves room for "-gateway" in 63 characters. */}}
{{- define "otelcol-flowlogs.fullname" -}}
{{- $name := include "otelcol-flowlogs.name" . }}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 55 | trimSuffix "-" }}
{{- else if contains $name .Release.Name }}
{{- .Release.Name | trunc 55 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 55 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{/* What follows takes a dict: root, the top context, and component: agent, gateway or
setup. */}}
{{- define "otelcol-flowlogs.componentName" -}}
{{ include "otelcol-flowlogs.fullname" .root }}-{{ .component }}
{{- end }}

{{- define "otelcol-flowlogs.selectorLabels" -}}
app.kubernetes.io/name: {{ include "otelcol-flowlogs.name" .root }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- define "otelcol-flowlogs.labels" -}}
{{ include "otelcol-flowlogs.selectorLabels" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "otelcol-flowlogs.serviceAccountName" -}}
{{- $account := (index .root.Values .component).serviceAccount }}
{{- if $account.create }}
{{- default (include "otelcol-flowlogs.componentName" .) $account.name }}
{{- else }}
{{- default "default" $account.name }}
{{- end }}
{{- end }}

{{- define "otelcol-flowlogs.image" -}}
{{- with .Values.image }}
{{- if .digest }}{{ .repository }}@{{ .digest }}{{ else }}{{ .repository }}:{{ default $.Chart.AppVersion .tag }}{{ end }}
{{- end }}
{{- end }}

{{/* A quantity of memory in MiB. */}}
{{- define "otelcol-flowlogs.mebibytes" -}}
{{- $q := toString . }}
{{- if hasSuffix "Mi" $q }}{{ trimSuffix "Mi" $q | int }}
{{- else if hasSuffix "Gi" $q }}{{ mul (trimSuffix "Gi" $q | int) 1024 }}
{{- else }}{{ fail (printf "resources.limits.memory is %q: write it in whole Mi or Gi, for the collector's own limits follow from it" $q) }}
{{- end }}
{{- end }}

{{- define "otelcol-flowlogs.agentScope" -}}
{{- default (eq .Values.mode "standalone" | ternary "node" "cluster") .Values.agent.scope }}
{{- end }}

{{/* Which agents an agent takes to be there, of which it hears nothing: set where nobody
downstream is to know better, and one runs on every node. */}}
{{- define "otelcol-flowlogs.observedNodes" -}}
{{- $alone := and (ne .Values.mode "standalone") (eq (include "otelcol-flowlogs.agentScope" .) "cluster") }}
{{- with .Values.agent }}
{{- if and $alone (has (dict "operator" "Exists") .tolerations) (not .nodeSelector) (not .affinity) }}all{{ end }}
{{- end }}
{{- end }}
