package flowelasticsearchextension

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/extension/extensiontest"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

func TestKibanaTakesTheLoginOfElasticsearchUnlessItHasItsOwn(t *testing.T) {
	config, err := load(t, "kibana")
	require.NoError(t, err)
	k := config.kibana()
	assert.Equal(t, "https://kibana.example/base", k.HTTP.Endpoint)
	assert.Equal(t, "team-1", k.Space)
	assert.Equal(t, time.Minute, k.HTTP.Timeout)
	assert.Equal(t, "Basic c2V0dXA6c2VjcmV0", k.Header(), "setup:secret")

	config, err = load(t, "kibana_own_login")
	require.NoError(t, err)
	k = config.kibana()
	assert.Equal(t, "ApiKey key", k.Header())
	assert.Equal(t, 5*time.Second, k.HTTP.Timeout)
}

func TestErrorsOfKibanaNameTheKey(t *testing.T) {
	for name, want := range map[string]string{
		"kibana_no_endpoint": "kibana: endpoint is missing",
		"kibana_url":         `kibana: endpoint "kibana.example" is no URL`,
		"kibana_space":       `kibana: space "Team/1" is no id`,
		"kibana_login":       "kibana: user, api_key, auth: more than one",
		"kibana_password":    "kibana: user, password: one of them is missing",
		"kibana_timeout":     "kibana: timeout: -1s is negative",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := load(t, name)
			require.ErrorContains(t, err, want)
		})
	}
}

// TestAKibanaThatIsAwayStopsNothing has one that comes back, and an Elasticsearch that is not
// there at all.
func TestAKibanaThatIsAwayStopsNothing(t *testing.T) {
	answers := []string{"503", "503", `{"success":true}`}
	requests := 0
	kibana := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer := answers[min(requests, len(answers)-1)]
		requests++
		switch {
		case answer == "503":
			http.Error(w, "Kibana server is not ready yet", http.StatusServiceUnavailable)
		case strings.HasSuffix(r.URL.Path, "/_export"):
			w.WriteHeader(http.StatusBadRequest)
			_, _ = w.Write([]byte(`{"attributes":{"objects":[{"error":{"statusCode":404}}]}}`))
		default:
			_, _ = w.Write([]byte(answer))
		}
	}))
	defer kibana.Close()
	config := createDefaultConfig().(*Config)
	config.Connection.HTTP.Endpoint = "http://127.0.0.1:1" // nobody listens there
	config.Kibana.HTTP.Endpoint = kibana.URL
	config.CheckInterval = 0
	set := extensiontest.NewNopSettings(Type)
	core, logs := observer.New(zap.InfoLevel)
	set.Logger = zap.New(core)
	e, err := newExtension(set, config)
	require.NoError(t, err)
	host := &statuses{Host: componenttest.NewNopHost()}
	d, err := e.newDashboards(t.Context(), host)
	require.NoError(t, err)
	pauses := 0
	e.after = func(pause time.Duration) <-chan time.Time {
		longest := firstWait << pauses
		assert.GreaterOrEqual(t, pause, longest/2)
		assert.Less(t, pause, longest*3/2)
		pauses++
		now := make(chan time.Time, 1)
		now <- time.Time{}
		return now
	}
	e.keep(t.Context(), d)
	assert.Equal(t, 2, pauses, "as long as it is away")
	assert.Empty(t, host.seen, "the status is of Elasticsearch")
	var messages []string
	for _, entry := range logs.All() {
		messages = append(messages, entry.Message)
	}
	assert.Equal(t, []string{"cannot put dashboards into Kibana yet; trying again", "put data views and dashboards into Kibana"}, messages)

	e.after = time.After
	require.NoError(t, e.Start(t.Context(), host))
	require.NoError(t, e.Shutdown(t.Context()))
}

func TestWithoutAnEndpointThereIsNoKibana(t *testing.T) {
	config := createDefaultConfig().(*Config)
	config.Connection.HTTP.Endpoint = "http://127.0.0.1:1"
	e, err := newExtension(extensiontest.NewNopSettings(Type), config)
	require.NoError(t, err)
	d, err := e.newDashboards(t.Context(), componenttest.NewNopHost())
	require.NoError(t, err)
	assert.Nil(t, d)
}
