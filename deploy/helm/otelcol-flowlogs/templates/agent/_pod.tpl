{{/* Root, with nothing but the capabilities that are listed. */}}
{{- define "otelcol-flowlogs.agentSecurityContext" -}}
{{- $context := dict
  "runAsUser" 0
  "runAsGroup" 0
  "readOnlyRootFilesystem" true
  "allowPrivilegeEscalation" false
  "capabilities" (dict "drop" (list "ALL") "add" .Values.agent.capabilities)
  "seccompProfile" (dict "type" "RuntimeDefault") }}
{{- mustMergeOverwrite $context (deepCopy .Values.agent.securityContext) | toYaml }}
{{- end }}

{{/* Volumes of secrets; each is mounted at a directory of its name. */}}
{{- define "otelcol-flowlogs.agentSecrets" -}}
{{- if eq .Values.mode "standalone" }}
{{- with .Values.gateway.tls.secretName }}
- name: gateway-tls
  secret:
    secretName: {{ . }}
    items: [{key: ca.crt, path: ca.crt}]
{{- end }}
{{- include "otelcol-flowlogs.token" . }}
{{- else if eq .Values.mode "elasticsearch" }}
{{- include "otelcol-flowlogs.elasticsearchSecrets" (dict "root" . "who" "writer") }}
{{- else }}
{{- with .Values.otlp.tls.caSecretName }}
- name: otlp-ca
  secret:
    secretName: {{ . }}
    items: [{key: ca.crt, path: ca.crt}]
{{- end }}
{{- with .Values.otlp.tls.clientSecretName }}
- name: otlp-client
  secret:
    secretName: {{ . }}
    items: [{key: tls.crt, path: tls.crt}, {key: tls.key, path: tls.key}]
{{- end }}
{{- end }}
{{- end }}
