{{/*
A configuration with a user's merged over it. Takes a dict: text, and over. What does
not parse is told by fromYaml as a value.
*/}}
{{- define "otelcol-flowlogs.config" -}}
{{- $config := fromYaml .text }}
{{- with $config.Error }}
{{- fail (printf "make configuration: %s in:\n%s" . $.text) }}
{{- end }}
{{- mustMergeOverwrite $config (deepCopy .over) | toYaml }}
{{- end }}

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
