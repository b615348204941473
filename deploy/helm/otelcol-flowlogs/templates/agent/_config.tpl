{{/*
What the agent runs: distribution/examples/agent-kubernetes.yaml with this release's
addresses and paths. tools/chart compares the two.
*/}}
{{- define "otelcol-flowlogs.agentConfig" -}}
{{- $memory := include "otelcol-flowlogs.mebibytes" .Values.agent.resources.limits.memory | int }}
{{- $exporter := include "otelcol-flowlogs.agentExporter" . }}
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
    {{- if and .Values.networks (eq .Values.mode "otlp") }}
    networks: {{ toJson .Values.networks }}
    {{- end }}
  {{- include "otelcol-flowlogs.clusterName" . | nindent 2 }}
exporters:
  {{ $exporter }}:
    {{- if eq .Values.mode "standalone" }}
    endpoint: {{ include "otelcol-flowlogs.fullname" . }}-gateway.{{ .Release.Namespace }}.svc:{{ .Values.gateway.service.port }}
    tls:
      {{- if .Values.gateway.tls.secretName }}
      ca_file: /etc/otelcol-flowlogs/gateway-tls/ca.crt
      {{- else }}
      insecure: true
      {{- end }}
    {{- if $token }}
    auth:
      authenticator: bearertokenauth
    {{- end }}
    {{- else }}
    endpoint: {{ quote (required "mode otlp needs otlp.endpoint, the host:port (grpc) or URL (http) that takes the flows" .Values.otlp.endpoint) }}
    {{- with .Values.otlp.tls }}
    tls:
      insecure: {{ .insecure }}
      {{- if .caSecretName }}
      ca_file: /etc/otelcol-flowlogs/otlp-ca/ca.crt
      {{- end }}
      {{- if .clientSecretName }}
      cert_file: /etc/otelcol-flowlogs/otlp-client/tls.crt
      key_file: /etc/otelcol-flowlogs/otlp-client/tls.key
      {{- end }}
    {{- end }}
    {{- with .Values.otlp.headers }}
    headers:
      {{- range $i, $header := . }}
      {{ quote $header.name }}: ${env:OTLP_HEADER_{{ $i }}}
      {{- end }}
    {{- end }}
    {{- end }}
    sending_queue:
      sizer: bytes
      queue_size: {{ mul .Values.agent.queue.sizeMiB 1048576 }}
      block_on_overflow: true
      storage: file_storage
      batch:
        sizer: bytes
        min_size: 262144
        max_size: 2097152
        flush_timeout: 1s
    retry_on_failure:
      max_elapsed_time: 0s
extensions:
  {{- if $token }}
  bearertokenauth:
    filename: /etc/otelcol-flowlogs/token/token
  {{- end }}
  file_storage:
    directory: /var/lib/otelcol-flowlogs
    create_directory: true
  health_check:
    endpoint: 127.0.0.1:{{ .Values.agent.healthPort }}
service:
  extensions: [{{ if $token }}bearertokenauth, {{ end }}file_storage, health_check]
  pipelines:
    logs:
      receivers: [flowlog]
      processors: [memory_limiter, flow_k8s{{ if .Values.clusterName }}, resource{{ end }}]
      exporters: [{{ $exporter }}]
  telemetry:
    {{- include "otelcol-flowlogs.telemetry" . | nindent 4 }}
{{- end }}

{{- define "otelcol-flowlogs.agentExporter" -}}
{{ and (eq .Values.mode "otlp") (eq .Values.otlp.protocol "http") | ternary "otlp_http" "otlp_grpc" }}
{{- end }}
