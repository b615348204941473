{{/*
What the gateway runs: distribution/examples/gateway-kubernetes.yaml with this
release's settings. tools/chart compares the two.
*/}}
{{- define "otelcol-flowlogs.gatewayConfig" -}}
{{- $token := .Values.gateway.token.secretName }}
{{- $expose := .Values.visualizer.expose }}
{{- if and $token (not .Values.gateway.tls.secretName) }}
{{- fail "gateway.token needs gateway.tls.secretName: a token is not sent in the clear" }}
{{- end }}
{{- if and $expose (not .Values.visualizer.htpasswd.secretName) }}
{{- fail "visualizer.expose needs visualizer.htpasswd.secretName: without a login everybody who reaches the service sees every flow" }}
{{- end }}
receivers:
  otlp:
    protocols:
      grpc:
        endpoint: 0.0.0.0:4317
        {{- if .Values.gateway.tls.secretName }}
        tls:
          cert_file: /etc/otelcol-flowlogs/gateway-tls/tls.crt
          key_file: /etc/otelcol-flowlogs/gateway-tls/tls.key
          reload_interval: 1m
        {{- end }}
        {{- if $token }}
        auth:
          authenticator: bearertokenauth
        {{- end }}
processors:
  memory_limiter:
    check_interval: 1s
    limit_percentage: 50
    spike_limit_percentage: 10
  flow_k8s:
    scope: cluster
    {{- /* Records that wait for names are in memory; those that agents have not sent yet are safe. */}}
    wait: {start: 10s}
    {{- with .Values.networks }}
    networks: {{ toJson . }}
    {{- end }}
exporters:
  flow_store:
    store: flow_store
extensions:
  {{- if $token }}
  bearertokenauth:
    filename: /etc/otelcol-flowlogs/token/token
  {{- end }}
  {{- if $expose }}
  basicauth:
    htpasswd:
      file: /etc/otelcol-flowlogs/htpasswd/htpasswd
  {{- end }}
  flow_store:
    directory: /var/lib/otelcol-flowlogs
    max_size: {{ quote .Values.gateway.store.maxSize }}
    max_age: {{ quote .Values.gateway.store.maxAge }}
  flow_visualizer:
    store: flow_store
    {{- if $expose }}
    endpoint: 0.0.0.0:8686
    auth:
      authenticator: basicauth
    {{- if .Values.visualizer.tls.secretName }}
    tls:
      cert_file: /etc/otelcol-flowlogs/visualizer-tls/tls.crt
      key_file: /etc/otelcol-flowlogs/visualizer-tls/tls.key
      reload_interval: 1m
    {{- end }}
    {{- else }}
    endpoint: 127.0.0.1:8686
    {{- end }}
  health_check:
    endpoint: 0.0.0.0:13133
service:
  extensions: [{{ if $token }}bearertokenauth, {{ end }}{{ if $expose }}basicauth, {{ end }}flow_store, flow_visualizer, health_check]
  pipelines:
    logs:
      receivers: [otlp]
      processors: [memory_limiter, flow_k8s]
      exporters: [flow_store]
  telemetry:
    {{- include "otelcol-flowlogs.telemetry" . | nindent 4 }}
{{- end }}
