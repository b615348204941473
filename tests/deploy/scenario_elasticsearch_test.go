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
	"strings"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/document"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/schema"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/testkit/elasticsearch"
)

// throughElasticsearch has the agents write to a server, which a reader asks. They merge
// before, as they do by default. Of the two that set the server up one is killed before the
// application talks.
func (a *application) throughElasticsearch() func() ([]attributes, error) {
	a.t.Helper()
	server := elasticsearch.Start(a.t, elasticsearch.Options{Security: true, TLS: true, Address: a.MachineAddress()})
	roles, err := os.ReadFile(filepath.Join(root, "deploy/elasticsearch/roles.yml"))
	require.NoError(a.t, err)
	const privileges = "cluster: [manage_index_templates, monitor]"
	require.Contains(a.t, string(roles), privileges)
	server.SetRoles(a.t, strings.Replace(string(roles), privileges, "cluster: [monitor]", 1))
	a.secret("elasticsearch-ca", map[string]string{"ca.crt": string(server.CA)})
	for _, who := range []string{"writer", "setup"} {
		user := server.SetUser(a.t, "flowlogs-"+who, "flowlogs_"+who)
		a.secret(user.Name, map[string]string{"username": user.Name, "password": user.Password})
	}
	address, err := url.Parse(server.URL)
	require.NoError(a.t, err)
	admin := server.As(server.Admin)
	kibana, values := a.standIn()
	setup := &setupOf{site: a.site, server: admin, kibana: kibana}
	a.uninstall(a.applyChart(a.agents(`
    processors: {flow_aggregation: {interval: 2s, jitter: 0s}}
mode: elasticsearch
elasticsearch:
  endpoint: https://` + net.JoinHostPort(a.MachineAddress().String(), address.Port()) + `
  tls: {caSecretName: elasticsearch-ca}
  writer: {secretName: flowlogs-writer}
  kibana: ` + values + `
  setup:
    secretName: flowlogs-setup
    replicas: 2
    config: {extensions: {flow_elasticsearch: {index: {replicas: 0}}}}
`)))
	setup.waitsForItsRights()
	server.SetRoles(a.t, string(roles))
	a.rollout("deployment/otelcol-flowlogs-setup")
	a.rollout("daemonset/otelcol-flowlogs-agent")
	setup.isDoneByOne()
	setup.losesItsLeader()
	reader := server.As(server.SetUser(a.t, "reader", "flowlogs_reader"))
	takenOver := false
	return func() ([]attributes, error) {
		if !takenOver {
			if err := setup.isTakenOver(); err != nil {
				return nil, err
			}
			takenOver = true
		}
		if err := admin.Do(a.t.Context(), http.MethodPost, "/logs-k8s.flow*/_refresh", nil, nil); err != nil {
			return nil, err
		}
		all, err := documents(a.t.Context(), reader)
		if err != nil {
			return nil, err
		}
		for _, f := range all {
			if level, want := f.text("flow.aggregation.level"), levels[f.text("flow.action")]; level != want {
				return nil, fmt.Errorf("a record is merged at level %q, want %s: %v", level, want, f)
			}
		}
		return all, nil
	}
}

// levels are those of flow_aggregation by what became of a flow.
var levels = map[string]string{"allow": "2", "deny": "1"}

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
