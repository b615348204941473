{{/* Sets Elasticsearch up. There is no pipeline: it takes no flows and listens to nobody. */}}
{{- define "otelcol-flowlogs.setupConfig" -}}
{{- $who := dict "root" . "who" "setup" }}
{{- $kibana := .Values.elasticsearch.kibana }}
{{- $kibanasOwn := dict "root" . "who" "kibana" }}
{{- $logins := list (include "otelcol-flowlogs.elasticsearchAuthenticator" $who) }}
{{- if $kibana.secretName }}
{{- $logins = append $logins (include "otelcol-flowlogs.elasticsearchAuthenticator" $kibanasOwn) }}
{{- end }}
extensions:
  {{- include "otelcol-flowlogs.elasticsearchLogin" $who | nindent 2 }}
  {{- if $kibana.secretName }}
  {{- include "otelcol-flowlogs.elasticsearchLogin" $kibanasOwn | nindent 2 }}
  {{- end }}
  flow_elasticsearch:
    {{- include "otelcol-flowlogs.elasticsearchConnection" $who | nindent 4 }}
    {{- /* Those of the default one are for all namespaces, those of another stand above. */}}
    {{- if ne .Values.elasticsearch.namespace "default" }}
    namespace: {{ quote .Values.elasticsearch.namespace }}
    {{- end }}
    lifecycle:
      {{- $recycle := .Values.elasticsearch.setup.recycle }}
      {{- range $class, $days := .Values.elasticsearch.setup.retentionDays }}
      {{- $least := index $recycle.minDays $class }}
      {{ $class }}: {days: {{ $days }}{{ if and $recycle.enabled $least }}, min_days: {{ $least }}{{ end }}}
      {{- end }}
    {{- with $recycle }}
    {{- if .enabled }}
    recycle:
      {{- with .maxSize }}
      max_size: {{ . }}
      {{- end }}
      disk: {start_percent: {{ .disk.startPercent }}, stop_percent: {{ .disk.stopPercent }}}
      dry_run: {{ .dryRun }}
    {{- end }}
    {{- end }}
    {{- if gt (int .Values.elasticsearch.setup.replicas) 1 }}
    leader_election:
      lease_name: {{ include "otelcol-flowlogs.componentName" (dict "root" . "component" "setup") }}
    {{- end }}
    {{- with $kibana }}
    {{- if .endpoint }}
    kibana:
      endpoint: {{ quote .endpoint }}
      {{- with .space }}
      space: {{ quote . }}
      {{- end }}
      {{- if .tls.caSecretName }}
      tls:
        ca_file: /etc/otelcol-flowlogs/kibana-ca/ca.crt
      {{- end }}
      {{- if .secretName }}
      auth:
        authenticator: {{ include "otelcol-flowlogs.elasticsearchAuthenticator" $kibanasOwn }}
      {{- end }}
    {{- end }}
    {{- end }}
  # It lives while the process does, and is ready once Elasticsearch is set up, or another
  # one has been elected to do it.
  health_check:
    http:
      endpoint: 0.0.0.0:13133
      status: {path: /}
  health_check/ready:
    http:
      endpoint: 0.0.0.0:13134
      status: {path: /}
    component_health:
      include_recoverable_errors: true
service:
  extensions: [{{ join ", " $logins }}, flow_elasticsearch, health_check, health_check/ready]
  telemetry:
    {{- include "otelcol-flowlogs.telemetry" . | nindent 4 }}
{{- end }}
