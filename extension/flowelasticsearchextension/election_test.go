package flowelasticsearchextension

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componentstatus"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/extension/extensiontest"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
)

// chosen is an elector of whom a test tells whom to choose.
type chosen struct {
	begin, end chan struct{}
	other      chan error
}

func (c *chosen) Run(ctx context.Context, lead func(context.Context), told func(string, error)) {
	for {
		select {
		case <-ctx.Done():
			return
		case err := <-c.other:
			told("somebody else", err)
		case <-c.begin:
			told("this one", nil)
			leading, stop := context.WithCancel(ctx)
			done := make(chan struct{})
			go func() {
				defer close(done)
				lead(leading)
			}()
			select {
			case <-c.end:
			case <-ctx.Done():
			}
			stop()
			<-done
			if ctx.Err() == nil {
				told("", nil)
			}
		}
	}
}

func TestOnlyTheLeaderWorks(t *testing.T) {
	var requests atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		requests.Add(1)
		http.Error(w, "", http.StatusBadGateway)
	}))
	defer server.Close()
	config := createDefaultConfig().(*Config)
	config.Connection.HTTP.Endpoint = server.URL
	telemetry := componenttest.NewTelemetry()
	defer func() { require.NoError(t, telemetry.Shutdown(context.Background())) }()
	set := extensiontest.NewNopSettings(Type)
	set.TelemetrySettings = telemetry.NewTelemetrySettings()
	e, err := newExtension(set, config)
	require.NoError(t, err)
	elector := &chosen{make(chan struct{}), make(chan struct{}), make(chan error)}
	e.elector = elector
	rounds, more := make(chan struct{}), make(chan time.Time)
	e.after = func(time.Duration) <-chan time.Time {
		rounds <- struct{}{}
		return more
	}
	leads := func() int64 {
		m, err := telemetry.GetMetric("otelcol_flow_elasticsearch_leader")
		require.NoError(t, err)
		return m.Data.(metricdata.Gauge[int64]).DataPoints[0].Value
	}
	host := &statuses{Host: componenttest.NewNopHost()}
	require.NoError(t, e.Start(t.Context(), host))
	assert.Zero(t, leads())

	elector.other <- nil
	elector.begin <- struct{}{}
	<-rounds
	more <- time.Time{}
	<-rounds
	assert.EqualValues(t, 1, leads())
	assert.EqualValues(t, 2, requests.Load())
	elector.end <- struct{}{}
	elector.other <- errors.New("no API server") // is taken when leading has ended
	assert.Zero(t, leads())
	elector.begin <- struct{}{}
	<-rounds
	assert.EqualValues(t, 3, requests.Load(), "none between")
	require.NoError(t, e.Shutdown(t.Context()))
	const ok, trouble = componentstatus.StatusOK, componentstatus.StatusRecoverableError
	assert.Equal(t, []componentstatus.Status{
		trouble,              // nobody leads yet
		ok,                   // somebody else does
		ok, trouble, trouble, // this one does, has not set up yet, and cannot
		ok, trouble, // nobody does, and then nobody can
		ok, trouble, trouble, // this one does again
	}, host.seen)
}
