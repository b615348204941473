package flowvisualizerextension

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"io/fs"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/config/configauth"
	"go.opentelemetry.io/collector/config/confighttp"
	"go.opentelemetry.io/collector/config/configmiddleware"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/extension/extensiontest"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flowstore"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flowstore/memstore"
)

var storeID = component.MustNewID("flow_store")

// storeExtension is a store extension over a store in memory.
type storeExtension struct {
	component.StartFunc
	component.ShutdownFunc
	store    memstore.Store
	asCaller bool
}

func (s *storeExtension) FlowSource() flowstore.Source {
	if s.asCaller {
		return callerSource{&s.store}
	}
	return &s.store
}

// callerSource decides by who asks what they see.
type callerSource struct{ flowstore.Source }

func (callerSource) AsCaller() bool { return true }

// testHost is a collector with some extensions.
type testHost map[component.ID]component.Component

func (h testHost) GetExtensions() map[component.ID]component.Component { return h }

func page() fs.FS {
	return fstest.MapFS{"index.html": {Data: []byte("<!doctype html><title>Flow Visualizer</title>")}}
}

// start runs a Visualizer with config on a free port and returns it, its store
// and what it logs.
func start(t *testing.T, config *Config) (*visualizer, *memstore.Store, *observer.ObservedLogs) {
	t.Helper()
	return startOver(t, config, &storeExtension{})
}

func startOver(t *testing.T, config *Config, store *storeExtension) (*visualizer, *memstore.Store, *observer.ObservedLogs) {
	t.Helper()
	core, logs := observer.New(zap.InfoLevel)
	set := extensiontest.NewNopSettings(componentType)
	set.Logger = zap.New(core)
	v := newVisualizer(config, set, page())
	require.NoError(t, v.Start(t.Context(), testHost{storeID: store}))
	t.Cleanup(func() {
		assert.NoError(t, v.Shutdown(context.Background()))
		_ = store.store.Close()
	})
	return v, &store.store, logs
}

func loopbackConfig() *Config {
	config := createDefaultConfig().(*Config)
	config.ServerConfig.NetAddr.Endpoint = "127.0.0.1:0"
	return config
}

// client opens a connection for each request, so that none outlives its test.
var client = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 10 * time.Second}

func get(t *testing.T, url string) (*http.Response, string) {
	t.Helper()
	response, err := client.Get(url)
	require.NoError(t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response, string(body)
}

func TestServesPageAndAPI(t *testing.T) {
	v, store, logs := start(t, loopbackConfig())
	now := time.Now().UnixNano()
	require.NoError(t, store.Write(t.Context(), &flow.Batch{Flows: []flow.Flow{{
		ID: flow.ID{Node: 1, Counter: 1}, Start: now - 1e9, End: now - 1, Reporter: flow.ReporterSource,
	}}}))

	response, body := get(t, v.url()+"/")
	assert.Equal(t, http.StatusOK, response.StatusCode)
	assert.Contains(t, body, "<title>Flow Visualizer</title>")

	response, body = get(t, v.url()+"/api/v1/flows")
	assert.Equal(t, http.StatusOK, response.StatusCode)
	var answer struct{ Flows []map[string]any }
	require.NoError(t, json.Unmarshal([]byte(body), &answer))
	require.Len(t, answer.Flows, 1)
	assert.Equal(t, "1-0-1", answer.Flows[0]["flow.id"])

	assert.Equal(t, 1, logs.FilterMessage("Flow Visualizer at "+v.url()).Len(), "one line says where it is")
	assert.Zero(t, logs.FilterLevelExact(zap.WarnLevel).Len(), "a loopback address is no reason to warn")
}

func TestLoopbackRefusesForeignHostNames(t *testing.T) {
	config := loopbackConfig()
	config.AllowedHosts = []string{"flows.example.com"}
	v, _, _ := start(t, config)
	for host, want := range map[string]int{
		"localhost:1234":         http.StatusOK,
		"flows.example.com":      http.StatusOK,
		"rebound.attacker.test":  http.StatusForbidden,
		"localhost.attacker.net": http.StatusForbidden,
	} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, v.url()+"/api/v1/fields", http.NoBody)
		require.NoError(t, err)
		request.Host = host
		response, err := client.Do(request)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		assert.Equal(t, want, response.StatusCode, host)
	}
}

func TestWarnsOfWhoSeesTooMuchOrNothing(t *testing.T) {
	everybody := func(c *Config) { c.ServerConfig.NetAddr.Endpoint = "0.0.0.0:0" }
	for name, test := range map[string]struct {
		change   func(*Config)
		asCaller bool
		want     string // part of the only warning, "" for none
	}{
		"others reach the address": {everybody, false, "set auth, or listen on 127.0.0.1"},
		"others reach the address, and the headers go to a store that has no use for them": {
			func(c *Config) { everybody(c); c.ServerConfig.IncludeMetadata = true }, false, "set auth, or listen on 127.0.0.1",
		},
		"others reach the address, and the store lets in who may see": {
			func(c *Config) { everybody(c); c.ServerConfig.IncludeMetadata = true }, true, "",
		},
		"the store cannot know who asks": {func(*Config) {}, true, "set include_metadata"},
	} {
		t.Run(name, func(t *testing.T) {
			config := loopbackConfig()
			test.change(config)
			_, _, logs := startOver(t, config, &storeExtension{asCaller: test.asCaller})
			var warnings []string
			for _, entry := range logs.FilterLevelExact(zap.WarnLevel).All() {
				warnings = append(warnings, entry.Message)
			}
			if test.want == "" {
				assert.Empty(t, warnings)
				return
			}
			require.Len(t, warnings, 1)
			assert.Contains(t, warnings[0], test.want)
		})
	}
}

func TestStartErrorsSayTheCure(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()
	_, port, err := net.SplitHostPort(taken.Addr().String())
	require.NoError(t, err)

	other := component.MustNewID("other")
	for name, test := range map[string]struct {
		change func(*Config)
		want   []string
	}{
		"port in use": {
			func(c *Config) { c.ServerConfig.NetAddr.Endpoint = taken.Addr().String() },
			[]string{"listen on 127.0.0.1:" + port, "another program holds the port (ss -ltnp 'sport = :" + port + "'", "set another endpoint"},
		},
		"address of another machine": {
			func(c *Config) { c.ServerConfig.NetAddr.Endpoint = "192.0.2.1:0" },
			[]string{"listen on 192.0.2.1:0", "does not have the address"},
		},
		"no such store": {
			func(c *Config) { c.Store = component.MustNewID("missing") },
			[]string{`there is no extension "missing": add it under extensions`},
		},
		"not a store": {
			func(c *Config) { c.Store = other },
			[]string{`extension "other" cannot be asked for flow records`},
		},
		"no such authenticator": {
			func(c *Config) {
				c.ServerConfig.Auth = configoptional.Some(confighttp.AuthConfig{Config: configauth.Config{AuthenticatorID: component.MustNewID("basicauth")}})
			},
			[]string{"set up the Flow Visualizer's server", "basicauth"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			config := loopbackConfig()
			test.change(config)
			v := newVisualizer(config, extensiontest.NewNopSettings(componentType), page())
			err := v.Start(t.Context(), testHost{storeID: &storeExtension{}, other: &struct {
				component.StartFunc
				component.ShutdownFunc
			}{}})
			for _, want := range test.want {
				require.ErrorContains(t, err, want)
			}
			require.NoError(t, v.Shutdown(t.Context()))
		})
	}
}

func TestShutdownEndsStreamsAndMayBeRepeated(t *testing.T) {
	v, _, _ := start(t, loopbackConfig())
	response, err := client.Get(v.url() + "/api/v1/stream")
	require.NoError(t, err)
	defer response.Body.Close()
	require.Equal(t, "text/event-stream", response.Header.Get("Content-Type"))
	lines := bufio.NewScanner(response.Body)
	require.True(t, lines.Scan(), "the stream opens at once")

	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	require.NoError(t, v.Shutdown(ctx), "an open stream must not hold it up")
	for lines.Scan() {
		assert.NotContains(t, lines.Text(), "event:")
	}
	require.NoError(t, lines.Err(), "the stream ends in order")
	require.NoError(t, v.Shutdown(ctx))
}

func TestStreamOutlivesTheWriteTimeout(t *testing.T) {
	config := loopbackConfig()
	config.QueryTimeout, config.ServerConfig.WriteTimeout = 100*time.Millisecond, 200*time.Millisecond
	v, store, _ := start(t, config)
	response, err := client.Get(v.url() + "/api/v1/stream")
	require.NoError(t, err)
	defer response.Body.Close()
	lines := bufio.NewScanner(response.Body)
	require.True(t, lines.Scan())
	time.Sleep(2 * config.ServerConfig.WriteTimeout)
	require.NoError(t, store.Write(t.Context(), &flow.Batch{Losses: []flow.Loss{{Stage: flow.StageMerge, Unit: flow.UnitRecords, Count: 7}}}))
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), "data:") {
			assert.Contains(t, lines.Text(), `"count":7`)
			return
		}
	}
	t.Fatal("the stream broke off:", lines.Err())
}

func TestFactoryLifecycle(t *testing.T) {
	factory := NewFactory()
	require.Equal(t, component.MustNewType("flow_visualizer"), factory.Type())
	config := factory.CreateDefaultConfig().(*Config)
	config.ServerConfig.NetAddr.Endpoint = "127.0.0.1:0"
	v, err := factory.Create(t.Context(), extensiontest.NewNopSettings(componentType), config)
	require.NoError(t, err)
	require.NoError(t, v.Shutdown(t.Context()), "without Start")
	require.NoError(t, v.Start(t.Context(), testHost{storeID: &storeExtension{}}))
	require.NoError(t, v.Shutdown(t.Context()))
	require.NoError(t, v.Shutdown(t.Context()), "twice")
	require.Error(t, v.Start(t.Context(), componenttest.NewNopHost()), "a host without a store")
}

func TestDependsOnWhatItUses(t *testing.T) {
	config := loopbackConfig()
	auth, limiter := component.MustNewID("basicauth"), component.MustNewID("limiter")
	config.ServerConfig.Auth = configoptional.Some(confighttp.AuthConfig{Config: configauth.Config{AuthenticatorID: auth}})
	config.ServerConfig.Middlewares = []configmiddleware.Config{{ID: limiter}}
	v := newVisualizer(config, extensiontest.NewNopSettings(componentType), nil)
	assert.Equal(t, []component.ID{storeID, auth, limiter}, v.Dependencies())
}
