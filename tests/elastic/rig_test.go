//go:build linux

package elastic_test

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/open-telemetry/opentelemetry-collector-contrib/extension/headerssetterextension"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/confmap/provider/envprovider"
	"go.opentelemetry.io/collector/confmap/provider/fileprovider"
	"go.opentelemetry.io/collector/exporter/exportertest"
	"go.opentelemetry.io/collector/extension"
	"go.opentelemetry.io/collector/extension/extensiontest"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/exporter/flowelasticsearchexporter"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/extension/flowelasticsearchextension"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/extension/flowvisualizerextension"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/testkit/elasticsearch"
)

const (
	example = "../../distribution/examples/elasticsearch-visualizer.yaml"
	// patience bounds every wait; it is long, so that a busy machine fails no test.
	patience = 3 * time.Minute
	moment   = 50 * time.Millisecond
)

var shared = elasticsearch.Shared{Options: elasticsearch.Options{Security: true}}

func TestMain(m *testing.M) { shared.Main(m) }

// rig is the example's components, started.
type rig struct {
	*elasticsearch.Server
	config     *confmap.Conf
	extensions host
	base       string // of the Flow Visualizer
}

type host map[component.ID]component.Component

func (h host) GetExtensions() map[component.ID]component.Component { return h }

func start(t *testing.T) *rig {
	t.Helper()
	r := &rig{Server: shared.Get(t), extensions: host{}}
	listen := freeAddress(t)
	for name, value := range map[string]string{
		"ELASTICSEARCH_URL": r.URL, "FLOWLOGS_LISTEN": listen,
		"ELASTICSEARCH_USER": r.Admin.Name, "ELASTICSEARCH_PASSWORD": r.Admin.Password,
		"ELASTICSEARCH_SETUP_USER": r.Admin.Name, "ELASTICSEARCH_SETUP_PASSWORD": r.Admin.Password,
	} {
		t.Setenv(name, value)
	}
	r.base = "http://" + listen
	resolver, err := confmap.NewResolver(confmap.ResolverSettings{
		URIs: []string{example}, DefaultScheme: "env",
		ProviderFactories: []confmap.ProviderFactory{fileprovider.NewFactory(), envprovider.NewFactory()},
	})
	require.NoError(t, err)
	r.config, err = resolver.Resolve(t.Context())
	require.NoError(t, err)
	for _, factory := range []extension.Factory{
		headerssetterextension.NewFactory(), flowelasticsearchextension.NewFactory(), flowvisualizerextension.NewFactory(),
	} {
		config := factory.CreateDefaultConfig()
		r.load(t, "extensions::"+factory.Type().String(), config)
		e, err := factory.Create(t.Context(), extensiontest.NewNopSettings(factory.Type()), config)
		require.NoError(t, err)
		require.NoError(t, e.Start(t.Context(), r.extensions))
		t.Cleanup(func() { require.NoError(t, e.Shutdown(context.Background())) })
		r.extensions[component.NewID(factory.Type())] = e
	}
	return r
}

func (r *rig) load(t *testing.T, key string, config component.Config) {
	t.Helper()
	part, err := r.config.Sub(key)
	require.NoError(t, err)
	require.NoError(t, part.Unmarshal(config))
	require.NoError(t, confmap.Validate(config))
}

// freeAddress is one that nobody listens at.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	return l.Addr().String()
}

// export sends records to a namespace of data streams, by the example's exporter.
func (r *rig) export(t *testing.T, namespace string, batch *flow.Batch) {
	t.Helper()
	factory := flowelasticsearchexporter.NewFactory()
	config := factory.CreateDefaultConfig().(*flowelasticsearchexporter.Config)
	r.load(t, "exporters::"+factory.Type().String(), config)
	config.Namespace = namespace
	e, err := factory.CreateLogs(t.Context(), exportertest.NewNopSettings(factory.Type()), config)
	require.NoError(t, err)
	require.NoError(t, e.Start(t.Context(), componenttest.NewNopHost()))
	require.NoError(t, e.ConsumeLogs(t.Context(), flow.Encode(batch, time.Now())))
	require.NoError(t, e.Shutdown(t.Context())) // sends what waits
}

// ask asks the Flow Visualizer as a user; the zero User sends no login.
func (r *rig) ask(t *testing.T, as elasticsearch.User, path string) (*http.Response, map[string]any) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, r.base+"/api/v1"+path, http.NoBody)
	require.NoError(t, err)
	if as.Name != "" {
		request.SetBasicAuth(as.Name, as.Password)
	}
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	var body map[string]any
	require.NoError(t, json.Unmarshal(text, &body), "%s: %s", path, text)
	return response, body
}
