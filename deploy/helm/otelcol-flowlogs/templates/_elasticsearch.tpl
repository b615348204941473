{{/* Names all that is missing at once. */}}
{{- define "otelcol-flowlogs.elasticsearchNeeds" -}}
{{- with .Values.elasticsearch }}
{{- if and .endpoint .endpoints }}
{{- fail "elasticsearch.endpoint and elasticsearch.endpoints are both given: leave one" }}
{{- end }}
{{- $missing := list }}
{{- if not (or .endpoint .endpoints) }}
{{- $missing = append $missing "elasticsearch.endpoint, the URL of a server" }}
{{- end }}
{{- if not .writer.secretName }}
{{- $missing = append $missing "elasticsearch.writer.secretName, the login of somebody with the role flowlogs_writer" }}
{{- end }}
{{- if and .setup.enabled (not .setup.secretName) }}
{{- $missing = append $missing "elasticsearch.setup.secretName, that of somebody with the role flowlogs_setup (or elasticsearch.setup.enabled=false)" }}
{{- end }}
{{- if and (not .kibana.endpoint) (or .kibana.space .kibana.secretName .kibana.tls.caSecretName) }}
{{- $missing = append $missing "elasticsearch.kibana.endpoint, the URL of Kibana, or nothing else of elasticsearch.kibana" }}
{{- end }}
{{- if and .kibana.endpoint (not .setup.enabled) }}
{{- $missing = append $missing "elasticsearch.setup.enabled=true, for the setup is who puts dashboards into Kibana" }}
{{- end }}
{{- if $missing }}
{{- fail (printf "mode elasticsearch needs %s" (join "; " $missing)) }}
{{- end }}
{{- end }}
{{- end }}

{{/*
Who logs in: to Elasticsearch writer, the agents, or setup; kibana is the setup, to Kibana, if
not with the same login. Logins are read from files, which are read again when they change; in
the environment a $ in a password would have a meaning. What follows takes a dict: root, the top context, and who.
*/}}
{{- define "otelcol-flowlogs.elasticsearchConnection" -}}
{{- include "otelcol-flowlogs.elasticsearchNeeds" .root }}
{{- $authenticator := include "otelcol-flowlogs.elasticsearchAuthenticator" . }}
{{- with .root.Values.elasticsearch }}
{{- if .endpoints }}
endpoints: {{ toJson .endpoints }}
{{- else }}
endpoint: {{ quote .endpoint }}
{{- end }}
{{- if .tls.caSecretName }}
tls:
  ca_file: /etc/otelcol-flowlogs/elasticsearch-ca/ca.crt
{{- end }}
auth:
  authenticator: {{ $authenticator }}
mapping:
  mode: {{ .mapping }}
{{- end }}
{{- end }}

{{- define "otelcol-flowlogs.elasticsearchAuthenticator" -}}
{{- $login := index .root.Values.elasticsearch .who -}}
{{ eq $login.login "apiKey" | ternary "bearertokenauth" "basicauth" }}{{ if eq .who "kibana" }}/kibana{{ end }}
{{- end }}

{{/* The extension that logs in. */}}
{{- define "otelcol-flowlogs.elasticsearchLogin" -}}
{{- $directory := printf "/etc/otelcol-flowlogs/elasticsearch-%s" .who }}
{{- $login := index .root.Values.elasticsearch .who }}
{{ include "otelcol-flowlogs.elasticsearchAuthenticator" . }}:
  {{- if eq $login.login "apiKey" }}
  scheme: ApiKey
  filename: {{ $directory }}/api_key
  {{- else }}
  client_auth:
    username_file: {{ $directory }}/username
    password_file: {{ $directory }}/password
  {{- end }}
{{- end }}

{{/* Volumes of secrets; each is mounted at a directory of its name. */}}
{{- define "otelcol-flowlogs.elasticsearchSecrets" -}}
{{- include "otelcol-flowlogs.elasticsearchNeeds" .root }}
{{- include "otelcol-flowlogs.loginSecret" . | trim }}
{{- include "otelcol-flowlogs.authoritySecret" (dict "name" "elasticsearch-ca" "tls" .root.Values.elasticsearch.tls) }}
{{- end }}

{{- define "otelcol-flowlogs.kibanaSecrets" -}}
{{- with .Values.elasticsearch.kibana }}
{{- if .secretName }}
{{- include "otelcol-flowlogs.loginSecret" (dict "root" $ "who" "kibana") }}
{{- end }}
{{- include "otelcol-flowlogs.authoritySecret" (dict "name" "kibana-ca" "tls" .tls) }}
{{- end }}
{{- end }}

{{- define "otelcol-flowlogs.loginSecret" }}
{{- $login := index .root.Values.elasticsearch .who }}
- name: elasticsearch-{{ .who }}
  secret:
    secretName: {{ $login.secretName }}
    {{- if eq $login.login "apiKey" }}
    items: [{key: api_key, path: api_key}]
    {{- else }}
    items: [{key: username, path: username}, {key: password, path: password}]
    {{- end }}
{{- end }}

{{/* Takes a dict: name, of the volume, and tls, values. */}}
{{- define "otelcol-flowlogs.authoritySecret" }}
{{- with .tls.caSecretName }}
- name: {{ $.name }}
  secret:
    secretName: {{ . }}
    items: [{key: ca.crt, path: ca.crt}]
{{- end }}
{{- end }}
