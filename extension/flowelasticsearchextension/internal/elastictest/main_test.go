//go:build linux

package elastictest_test

import (
	"context"
	"encoding/json"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/elastic/go-elasticsearch/v8/esapi"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componentstatus"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/config/configopaque"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/extension/flowelasticsearchextension/internal/roles"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/extension/flowelasticsearchextension/internal/setup"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/connection"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/schema"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/testkit/elasticsearch"
)

const (
	// patience bounds every wait; it is long, so that a busy machine fails no test.
	patience = 3 * time.Minute
	moment   = 20 * time.Millisecond
)

// shared is for all tests; each has a namespace of data streams to itself.
var shared = elasticsearch.Shared{Options: elasticsearch.Options{Security: true, TLS: true}}

func TestMain(m *testing.M) { shared.Main(m) }

// cluster is the server with the project's roles, and a user in each.
type cluster struct{ *elasticsearch.Server }

// users are by role; the first test makes them.
var users = map[string]elasticsearch.User{}

func newCluster(t *testing.T) cluster {
	t.Helper()
	c := cluster{shared.Get(t)}
	if len(users) == 0 {
		c.SetRoles(t, string(roles.YAML(roles.All())))
		for _, r := range roles.All() {
			users[r.Name] = c.SetUser(t, "user-of-"+r.Name, r.Name)
		}
	}
	return c
}

// connect is how a user reaches the server.
func (c cluster) connect(u elasticsearch.User) connection.Config {
	config := connection.NewDefaultConfig()
	config.HTTP.Endpoint = c.URL
	config.HTTP.TLS.CAPem = configopaque.String(c.CA)
	config.User, config.Password = u.Name, configopaque.String(u.Password)
	return config
}

// transport is a client of a user.
func (c cluster) transport(t *testing.T, u elasticsearch.User) esapi.Transport {
	t.Helper()
	config := c.connect(u)
	client, err := config.NewClient(t.Context(), componenttest.NewNopHost(), componenttest.NewNopTelemetrySettings(), component.BuildInfo{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, client.Close(context.Background())) })
	return client
}

// setup is one of a namespace, for the user of a role.
func (c cluster) setup(t *testing.T, namespace, role string) *setup.Setup {
	t.Helper()
	none := 0
	s, err := setup.New(c.transport(t, users[role]), schema.Options{Namespace: namespace, Replicas: &none})
	require.NoError(t, err)
	return s
}

// round makes a round that must succeed.
func round(t *testing.T, s *setup.Setup) setup.Result {
	t.Helper()
	result, err := s.Round(t.Context())
	require.NoError(t, err)
	return result
}

// names are those of the templates of a namespace.
func names(t *testing.T, namespace string) []string {
	t.Helper()
	templates, err := schema.Templates(&schema.Options{Namespace: namespace})
	require.NoError(t, err)
	var names []string
	for _, template := range templates {
		names = append(names, template.Name)
	}
	return names
}

// write creates a document in a data stream.
func (c cluster) write(t *testing.T, stream string) {
	t.Helper()
	require.NoError(t, c.create(t.Context(), users["flowlogs_writer"], stream))
}

func (c cluster) create(ctx context.Context, u elasticsearch.User, stream string) error {
	return c.As(u).Do(ctx, http.MethodPost, "/"+stream+"/_create/"+time.Now().Format("150405.000000000")+"?refresh=true",
		map[string]any{"@timestamp": time.Now().UnixMilli(), "destination": map[string]any{"port": 443}}, nil)
}

// indices returns those of a data stream, oldest first, and the type that each has for
// destination.port.
func (c cluster) indices(t *testing.T, stream string) (indices, types []string) {
	t.Helper()
	admin := c.As(c.Admin)
	for _, index := range c.backing(t, stream) {
		var fields map[string]struct {
			Mappings map[string]struct {
				Mapping map[string]struct{ Type string }
			}
		}
		require.NoError(t, admin.Do(t.Context(), http.MethodGet, "/"+index+"/_mapping/field/destination.port", nil, &fields))
		indices = append(indices, index)
		types = append(types, fields[index].Mappings["destination.port"].Mapping["port"].Type)
	}
	return indices, types
}

// backing returns the indices of a data stream, oldest first.
func (c cluster) backing(t *testing.T, stream string) []string {
	t.Helper()
	var found struct {
		Streams []struct {
			Indices []string `json:"backing_indices"`
		} `json:"data_streams"`
	}
	require.NoError(t, c.As(c.Admin).Do(t.Context(), http.MethodGet, "/_resolve/index/"+stream, nil, &found))
	require.Len(t, found.Streams, 1)
	return found.Streams[0].Indices
}

// change puts a template again after f has changed it.
func (c cluster) change(t *testing.T, kind, name string, f func(body map[string]any)) {
	t.Helper()
	admin := c.As(c.Admin)
	path := "/_" + kind + "_template/" + name
	var there map[string][]map[string]json.RawMessage
	require.NoError(t, admin.Do(t.Context(), http.MethodGet, path, nil, &there))
	var body map[string]any
	require.NoError(t, json.Unmarshal(there[kind+"_templates"][0][kind+"_template"], &body))
	f(body)
	require.NoError(t, admin.Do(t.Context(), http.MethodPut, path, body, nil))
}

// host keeps the statuses that are reported to it.
type host struct {
	component.Host
	mu     sync.Mutex
	events []*componentstatus.Event
}

func newHost() *host { return &host{Host: componenttest.NewNopHost()} }

func (h *host) Report(event *componentstatus.Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.events = append(h.events, event)
}

// last returns the status that is in force, and its error.
func (h *host) last() (componentstatus.Status, string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.events) == 0 {
		return componentstatus.StatusNone, ""
	}
	event := h.events[len(h.events)-1]
	if event.Err() == nil {
		return event.Status(), ""
	}
	return event.Status(), event.Err().Error()
}
