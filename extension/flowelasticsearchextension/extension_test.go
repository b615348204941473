package flowelasticsearchextension

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componentstatus"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/extension/extensiontest"
	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flowstore"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestLifecycle(t *testing.T) {
	config := createDefaultConfig().(*Config)
	config.Connection.HTTP.Endpoint = "http://127.0.0.1:1" // nobody listens there
	for range 2 {
		e, err := newExtension(extensiontest.NewNopSettings(Type), config)
		require.NoError(t, err)
		require.NoError(t, e.Shutdown(t.Context()), "without a start")
		_, err = e.FlowSource().Stats(t.Context())
		require.ErrorIs(t, err, flowstore.ErrClosed)
		require.NoError(t, e.Start(t.Context(), componenttest.NewNopHost()), "which waits for no server")
		_, err = e.FlowSource().Stats(t.Context())
		require.ErrorIs(t, err, flowstore.ErrUnavailable)
		require.NoError(t, e.Shutdown(t.Context()))
		_, err = e.FlowSource().Stats(t.Context())
		require.ErrorIs(t, err, flowstore.ErrClosed)
		require.NoError(t, e.Shutdown(t.Context()))
	}
}

// statuses is a host that counts what is reported to it.
type statuses struct {
	component.Host
	mu   sync.Mutex
	seen []componentstatus.Status
}

func (s *statuses) Report(event *componentstatus.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen = append(s.seen, event.Status())
}

// TestAFailureIsToldOnceAndTriedMoreAndMoreSlowly has a server that refuses everything.
func TestAFailureIsToldOnceAndTriedMoreAndMoreSlowly(t *testing.T) {
	var requests atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		requests.Add(1)
		http.Error(w, "<html>no</html>", http.StatusBadGateway)
	}))
	defer server.Close()
	config := createDefaultConfig().(*Config)
	config.Connection.HTTP.Endpoint = server.URL
	set := extensiontest.NewNopSettings(Type)
	core, logs := observer.New(zap.WarnLevel)
	set.Logger = zap.New(core)
	e, err := newExtension(set, config)
	require.NoError(t, err)

	const rounds = 20
	pauses, more := make(chan time.Duration), make(chan time.Time)
	e.after = func(pause time.Duration) <-chan time.Time {
		pauses <- pause
		return more
	}
	host := &statuses{Host: componenttest.NewNopHost()}
	require.NoError(t, e.Start(t.Context(), host))
	for n := range rounds {
		longest := min(firstWait<<n, lastWait)
		pause := <-pauses
		assert.GreaterOrEqual(t, pause, longest/2)
		assert.Less(t, pause, longest*3/2)
		if n < rounds-1 {
			more <- time.Time{}
		}
	}
	require.NoError(t, e.Shutdown(context.Background()))
	assert.EqualValues(t, rounds, requests.Load())
	const trouble = componentstatus.StatusRecoverableError
	assert.Equal(t, []componentstatus.Status{trouble, trouble}, host.seen, "before the first round, and since")
	require.Equal(t, 1, logs.Len())
	assert.Contains(t, logs.All()[0].ContextMap()["error"], "status 502")
}
