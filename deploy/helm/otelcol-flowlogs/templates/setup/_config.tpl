{{/* Sets Elasticsearch up. There is no pipeline: it takes no flows and listens to nobody. */}}
{{- define "otelcol-flowlogs.setupConfig" -}}
{{- $who := dict "root" . "who" "setup" }}
extensions:
  {{- include "otelcol-flowlogs.elasticsearchLogin" $who | nindent 2 }}
  flow_elasticsearch:
    {{- include "otelcol-flowlogs.elasticsearchConnection" $who | nindent 4 }}
    {{- /* Those of the default one are for all namespaces, those of another stand above. */}}
    {{- if ne .Values.elasticsearch.namespace "default" }}
    namespace: {{ quote .Values.elasticsearch.namespace }}
    {{- end }}
    lifecycle:
      {{- range $class, $days := .Values.elasticsearch.setup.retentionDays }}
      {{ $class }}: {days: {{ $days }}}
      {{- end }}
  health_check:
    endpoint: 0.0.0.0:13133
service:
  extensions: [{{ include "otelcol-flowlogs.elasticsearchAuthenticator" .Values.elasticsearch.setup }}, flow_elasticsearch, health_check]
  telemetry:
    {{- include "otelcol-flowlogs.telemetry" . | nindent 4 }}
{{- end }}
