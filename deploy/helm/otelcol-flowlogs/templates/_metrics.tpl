{{/* The collector's own metrics, of which without being asked nothing listens. */}}
{{- define "otelcol-flowlogs.telemetry" -}}
metrics:
{{- if .Values.metrics.enabled }}
  readers:
    - pull:
        exporter:
          prometheus:
            host: 0.0.0.0
            port: {{ .Values.metrics.port }}
{{- else }}
  level: none
{{- end }}
{{- end }}

{{/* The processor that names the cluster, if it has a name. */}}
{{- define "otelcol-flowlogs.clusterName" -}}
{{- with .Values.clusterName }}
resource:
  attributes:
    - action: insert
      key: k8s.cluster.name
      value: {{ . | quote }}
{{- end }}
{{- end }}
