package deploy

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/document"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/schema"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/testkit/elasticsearch"
)

// throughElasticsearch has the agents write to a server, which a reader asks. They merge
// before, and keep pods and addresses apart, which they would not by default.
func (a *application) throughElasticsearch() func() ([]attributes, error) {
	a.t.Helper()
	server := elasticsearch.Start(a.t, elasticsearch.Options{Security: true, TLS: true, Address: a.MachineAddress()})
	roles, err := os.ReadFile(filepath.Join(root, "deploy/elasticsearch/roles.yml"))
	require.NoError(a.t, err)
	server.SetRoles(a.t, string(roles))
	secrets := map[string]map[string]string{"elasticsearch-ca": {"ca.crt": string(server.CA)}}
	for _, who := range []string{"writer", "setup"} {
		user := server.SetUser(a.t, "flowlogs-"+who, "flowlogs_"+who)
		secrets[user.Name] = map[string]string{"username": user.Name, "password": user.Password}
	}
	for name, data := range secrets {
		a.apply(name, encode(object{
			"apiVersion": "v1", "kind": "Secret", "metadata": object{"name": name, "namespace": namespace}, "stringData": data,
		}))
	}
	address, err := url.Parse(server.URL)
	require.NoError(a.t, err)
	a.uninstall(a.installed(a.agents(`
    processors: {flow_aggregation: {interval: 2s, jitter: 0s, allowed: {level: 1}}}
mode: elasticsearch
elasticsearch:
  endpoint: https://`+net.JoinHostPort(a.MachineAddress().String(), address.Port())+`
  tls: {caSecretName: elasticsearch-ca}
  writer: {secretName: flowlogs-writer}
  setup:
    secretName: flowlogs-setup
    config: {extensions: {flow_elasticsearch: {index: {replicas: 0}}}}
`), "deployment/otelcol-flowlogs-setup", "daemonset/otelcol-flowlogs-agent"))
	reader := server.As(server.SetUser(a.t, "reader", "flowlogs_reader"))
	admin := server.As(server.Admin)
	return func() ([]attributes, error) {
		if err := admin.Do(a.t.Context(), http.MethodPost, "/logs-k8s.flow*/_refresh", nil, nil); err != nil {
			return nil, err
		}
		return documents(a.t.Context(), reader)
	}
}

// documents are all flows that a reader finds, as records again.
func documents(ctx context.Context, reader *elasticsearch.Client) ([]attributes, error) {
	var found struct {
		Hits struct {
			Total struct{ Value int }
			Hits  []struct {
				ID     string          `json:"_id"`
				Source json.RawMessage `json:"_source"`
			}
		}
	}
	const most = 10_000 // what a server gives at once
	search := object{"size": most, "track_total_hits": true}
	if err := reader.Do(ctx, http.MethodPost, "/logs-k8s.flow*/_search", search, &found); err != nil {
		return nil, err
	}
	if found.Hits.Total.Value > most {
		return nil, fmt.Errorf("there are %d documents, more than can be read at once", found.Hits.Total.Value)
	}
	decoder := document.NewDecoder(schema.ECS, flow.EventFlow, flow.Flows)
	batch := flow.Batch{Flows: make([]flow.Flow, len(found.Hits.Hits))}
	for i, hit := range found.Hits.Hits {
		if err := decoder.Decode(hit.ID, hit.Source, &batch.Flows[i]); err != nil {
			return nil, err
		}
	}
	return attributesOf(flow.Encode(&batch, time.Now())), nil
}
