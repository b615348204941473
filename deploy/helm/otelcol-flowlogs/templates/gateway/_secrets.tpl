{{/* Volumes of secrets; each is mounted at a directory of its name. */}}
{{- define "otelcol-flowlogs.gatewaySecrets" -}}
{{- with .Values.gateway.tls.secretName }}
- name: gateway-tls
  secret:
    secretName: {{ . }}
    items: [{key: tls.crt, path: tls.crt}, {key: tls.key, path: tls.key}]
{{- end }}
{{- include "otelcol-flowlogs.token" . }}
{{- if .Values.visualizer.expose }}
- name: htpasswd
  secret:
    secretName: {{ .Values.visualizer.htpasswd.secretName }}
    items: [{key: {{ .Values.visualizer.htpasswd.key }}, path: htpasswd}]
{{- with .Values.visualizer.tls.secretName }}
- name: visualizer-tls
  secret:
    secretName: {{ . }}
    items: [{key: tls.crt, path: tls.crt}, {key: tls.key, path: tls.key}]
{{- end }}
{{- end }}
{{- end }}
