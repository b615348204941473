{{- define "otelcol-flowlogs.agentExporter" -}}
{{- if eq .Values.mode "elasticsearch" }}flow_elasticsearch
{{- else if and (eq .Values.mode "otlp") (eq .Values.otlp.protocol "http") }}otlp_http
{{- else }}otlp_grpc
{{- end }}
{{- end }}

{{/* What the exporter has, by mode. */}}
{{- define "otelcol-flowlogs.agentExporter.standalone" -}}
endpoint: {{ include "otelcol-flowlogs.fullname" . }}-gateway.{{ .Release.Namespace }}.svc:{{ .Values.gateway.service.port }}
tls:
  {{- if .Values.gateway.tls.secretName }}
  ca_file: /etc/otelcol-flowlogs/gateway-tls/ca.crt
  {{- else }}
  insecure: true
  {{- end }}
{{- if .Values.gateway.token.secretName }}
auth:
  authenticator: bearertokenauth
{{- end }}
{{ include "otelcol-flowlogs.otlpQueue" . }}
{{- end }}

{{- define "otelcol-flowlogs.agentExporter.otlp" -}}
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
{{ include "otelcol-flowlogs.otlpQueue" . }}
{{- end }}

{{- define "otelcol-flowlogs.agentExporter.elasticsearch" -}}
{{ include "otelcol-flowlogs.elasticsearchConnection" (dict "root" . "who" "writer") }}
namespace: {{ quote .Values.elasticsearch.namespace }}
sending_queue:
  queue_size: {{ mul .Values.agent.queue.sizeMiB 1048576 }}
  storage: file_storage
dead_letter:
  file: /var/lib/otelcol-flowlogs/rejected.ndjson
{{- end }}

{{- define "otelcol-flowlogs.otlpQueue" -}}
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
{{- end }}
