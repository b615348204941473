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
{{- if $missing }}
{{- fail (printf "mode elasticsearch needs %s" (join "; " $missing)) }}
{{- end }}
{{- end }}
{{- end }}

{{/*
Who logs in to Elasticsearch: writer, the agents, or setup. Logins are read from files,
which are read again when they change; in the environment a $ in a password would have a
meaning. What follows takes a dict: root, the top context, and who.
*/}}
{{- define "otelcol-flowlogs.elasticsearchConnection" -}}
{{- include "otelcol-flowlogs.elasticsearchNeeds" .root }}
{{- $login := index .root.Values.elasticsearch .who }}
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
  authenticator: {{ include "otelcol-flowlogs.elasticsearchAuthenticator" $login }}
mapping:
  mode: {{ .mapping }}
{{- end }}
{{- end }}

{{/* Takes the values of who logs in. */}}
{{- define "otelcol-flowlogs.elasticsearchAuthenticator" -}}
{{ eq .login "apiKey" | ternary "bearertokenauth" "basicauth" }}
{{- end }}

{{/* The extension that logs in. */}}
{{- define "otelcol-flowlogs.elasticsearchLogin" -}}
{{- $directory := printf "/etc/otelcol-flowlogs/elasticsearch-%s" .who }}
{{- $login := index .root.Values.elasticsearch .who }}
{{ include "otelcol-flowlogs.elasticsearchAuthenticator" $login }}:
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
{{- $login := index .root.Values.elasticsearch .who -}}
- name: elasticsearch-{{ .who }}
  secret:
    secretName: {{ $login.secretName }}
    {{- if eq $login.login "apiKey" }}
    items: [{key: api_key, path: api_key}]
    {{- else }}
    items: [{key: username, path: username}, {key: password, path: password}]
    {{- end }}
{{- with .root.Values.elasticsearch.tls.caSecretName }}
- name: elasticsearch-ca
  secret:
    secretName: {{ . }}
    items: [{key: ca.crt, path: ca.crt}]
{{- end }}
{{- end }}
