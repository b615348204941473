{{/*
What the agent runs: distribution/examples/agent-kubernetes.yaml, or in mode elasticsearch
elasticsearch-kubernetes.yaml, with this release's addresses and paths. tools/chart
compares them.
*/}}
{{- define "otelcol-flowlogs.agentConfig" -}}
{{- $memory := include "otelcol-flowlogs.mebibytes" .Values.agent.resources.limits.memory | int }}
{{- $exporter := include "otelcol-flowlogs.agentExporter" . }}
{{- $elasticsearch := eq .Values.mode "elasticsearch" }}
{{- $token := and (eq .Values.mode "standalone") .Values.gateway.token.secretName }}
receivers:
  flowlog:
    interval: 10s
    {{- with .Values.agent.cgroupRoot }}
    cgroup_root: {{ quote . }}
    {{- end }}
processors:
  memory_limiter:
    check_interval: 1s
    limit_mib: {{ div $memory 2 }}
    spike_limit_mib: {{ div $memory 8 }}
  flow_k8s:
    scope: {{ include "otelcol-flowlogs.agentScope" . }}
    node: ${env:K8S_NODE_NAME}
    {{- with include "otelcol-flowlogs.observedNodes" . }}
    observed_nodes: {{ . }}
    {{- end }}
    {{- if and .Values.networks (ne .Values.mode "standalone") }}
    networks: {{ toJson .Values.networks }}
    {{- end }}
  {{- include "otelcol-flowlogs.clusterName" . | nindent 2 }}
  {{- if $elasticsearch }}
  flow_aggregation:
    storage: file_storage
  {{- end }}
exporters:
  {{ $exporter }}:
    {{- include (printf "otelcol-flowlogs.agentExporter.%s" .Values.mode) . | nindent 4 }}
extensions:
  {{- if $token }}
  bearertokenauth:
    filename: /etc/otelcol-flowlogs/token/token
  {{- end }}
  {{- if $elasticsearch }}
  {{- include "otelcol-flowlogs.elasticsearchLogin" (dict "root" . "who" "writer") | nindent 2 }}
  {{- end }}
  file_storage:
    directory: /var/lib/otelcol-flowlogs
    create_directory: true
  health_check:
    endpoint: 127.0.0.1:{{ .Values.agent.healthPort }}
service:
  extensions: [{{ if $token }}bearertokenauth, {{ end }}{{ if $elasticsearch }}{{ include "otelcol-flowlogs.elasticsearchAuthenticator" (dict "root" . "who" "writer") }}, {{ end }}file_storage, health_check]
  pipelines:
    logs:
      receivers: [flowlog]
      processors: [memory_limiter, flow_k8s{{ if .Values.clusterName }}, resource{{ end }}{{ if $elasticsearch }}, flow_aggregation{{ end }}]
      exporters: [{{ $exporter }}]
  telemetry:
    {{- include "otelcol-flowlogs.telemetry" . | nindent 4 }}
{{- end }}
