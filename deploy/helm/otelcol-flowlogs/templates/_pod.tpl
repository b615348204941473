{{/* Takes a dict: root, and values, those of the component. */}}
{{- define "otelcol-flowlogs.scheduling" -}}
{{- with .root.Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
nodeSelector:
  # The image is for these.
  kubernetes.io/os: linux
  kubernetes.io/arch: amd64
  {{- with .values.nodeSelector }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with .values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* Takes a dict: port; host, if that is not the pod's address; and ready, the port that
tells of readiness, if that is another. */}}
{{- define "otelcol-flowlogs.probes" -}}
{{- range $probe, $patience := dict "startupProbe" 60 "readinessProbe" 3 "livenessProbe" 6 }}
{{ $probe }}:
  httpGet:
    {{- with $.host }}
    host: {{ . }}
    {{- end }}
    path: /
    port: {{ and (eq $probe "readinessProbe") $.ready | default $.port }}
  periodSeconds: {{ eq $probe "startupProbe" | ternary 2 10 }}
  timeoutSeconds: 5
  failureThreshold: {{ $patience }}
{{- end }}
{{- end }}

{{- define "otelcol-flowlogs.token" -}}
{{- with .Values.gateway.token }}
{{- if .secretName }}
- name: token
  secret:
    secretName: {{ .secretName }}
    items: [{key: {{ .key }}, path: token}]
{{- end }}
{{- end }}
{{- end }}
