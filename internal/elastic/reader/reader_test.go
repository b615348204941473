package reader

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/schema"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flowstore"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flowstore/filter"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// everything is a question about all records.
var everything = flowstore.Selection{Range: flowstore.Range{From: 0, To: 1 << 62}, View: flowstore.AllReports}

// transport sends requests to one server.
type transport struct {
	to     *url.URL
	client *http.Client
}

func (t *transport) Perform(r *http.Request) (*http.Response, error) {
	r.URL.Scheme, r.URL.Host = t.to.Scheme, t.to.Host
	return t.client.Transport.RoundTrip(r)
}

// readFrom returns a Reader of a server that answers as told.
func readFrom(t *testing.T, o Options, handler http.HandlerFunc) *Reader {
	t.Helper()
	server := httptest.NewServer(handler)
	to, err := url.Parse(server.URL)
	require.NoError(t, err)
	r, err := New(o)
	require.NoError(t, err)
	client := &http.Client{Transport: &http.Transport{}}
	r.Open(&transport{to, client})
	t.Cleanup(func() {
		require.NoError(t, r.Close())
		client.CloseIdleConnections()
		server.Close()
	})
	return r
}

func flows(ctx context.Context, r *Reader) error {
	_, err := r.Flows(ctx, flowstore.FlowsQuery{Selection: everything, Limit: 10})
	return err
}

func TestRefusalsAreTold(t *testing.T) {
	for name, test := range map[string]struct {
		status   int
		asCaller bool
		want     error
	}{
		"the caller is not known":     {http.StatusUnauthorized, true, flowstore.ErrUnauthenticated},
		"the extension is not known":  {http.StatusUnauthorized, false, flowstore.ErrUnavailable},
		"a privilege is missing":      {http.StatusForbidden, true, flowstore.ErrForbidden},
		"the question cannot be read": {http.StatusBadRequest, false, flowstore.ErrQuery},
		"it has too much to do":       {http.StatusTooManyRequests, false, flowstore.ErrUnavailable},
		"a proxy fails":               {http.StatusBadGateway, false, flowstore.ErrUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			r := readFrom(t, Options{AsCaller: test.asCaller}, func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(test.status)
				_, _ = w.Write([]byte(`{"error":{"type":"some_exception","reason":"why it is so"}}`))
			})
			err := flows(t.Context(), r)
			require.ErrorIs(t, err, test.want)
			assert.ErrorContains(t, err, "why it is so")
		})
	}
}

func TestAnswersThatCannotBeReadAreErrors(t *testing.T) {
	for _, answer := range []string{
		"", "[]", `{"hits":{"hits":[{"_id":"1-1-1","_index":"x","_source":{}}]}}`, `{"hits":{"hits":[{"_id":"1-1-1","_index":"x","sort":["now",1,"x"]}]}}`,
	} {
		r := readFrom(t, Options{}, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(answer)) })
		require.ErrorIs(t, flows(t.Context(), r), flowstore.ErrUnavailable, answer)
	}
}

func TestASearchThatMeetsAnIndexWithoutShardsIsTriedAgain(t *testing.T) {
	var asked atomic.Int32
	r := readFrom(t, Options{}, func(w http.ResponseWriter, _ *http.Request) {
		if asked.Add(1) < 3 {
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = w.Write([]byte(`{"error":{"type":"search_phase_execution_exception","reason":"start"}}`))
			return
		}
		_, _ = w.Write([]byte(`{"hits":{"hits":[]}}`))
	})
	require.NoError(t, flows(t.Context(), r))
	require.EqualValues(t, 3, asked.Load())
}

func TestWhoGivesUpEndsTheRequest(t *testing.T) {
	asked, ended := make(chan struct{}), make(chan struct{})
	r := readFrom(t, Options{}, func(_ http.ResponseWriter, request *http.Request) {
		_, _ = io.Copy(io.Discard, request.Body) // or a server does not look at its connection
		close(asked)
		<-request.Context().Done() // as the connection is closed, on which Elasticsearch ends a search
		close(ended)
	})
	ctx, cancel := context.WithCancel(t.Context())
	result := make(chan error)
	go func() { result <- flows(ctx, r) }()
	<-asked
	cancel()
	require.ErrorIs(t, <-result, context.Canceled)
	<-ended
}

func TestAClosedReaderSaysSo(t *testing.T) {
	r, err := New(Options{})
	require.NoError(t, err)
	require.ErrorIs(t, flows(t.Context(), r), flowstore.ErrClosed)
	_, open := <-r.Watch(t.Context())
	require.False(t, open)
	require.NoError(t, r.Close())
}

func TestOptionsThatCannotWorkAreRefused(t *testing.T) {
	_, err := New(Options{Namespace: "Shop"})
	require.ErrorContains(t, err, `write "shop"`)
	_, err = New(Options{Mapping: schema.OTel + 1})
	require.ErrorContains(t, err, "use ecs or otel")
}

// TestQuestionsThatTakeTooMuchSayHowToAsk has a server with more records than are looked at.
func TestQuestionsThatTakeTooMuchSayHowToAsk(t *testing.T) {
	r := readFrom(t, Options{}, func(w http.ResponseWriter, request *http.Request) {
		if strings.HasSuffix(request.URL.Path, "/_pit") {
			_, _ = w.Write([]byte(`{"id":"p"}`))
			return
		}
		_, _ = fmt.Fprintf(w, `{"hits":{"total":{"value":%d},"hits":[]}}`, maxExamined+1)
	})
	expr, err := filter.Parse("source.address ~ 10.0")
	require.NoError(t, err)
	selected := everything
	selected.Filter = expr
	_, err = r.Groups(t.Context(), flowstore.GroupsQuery{Selection: selected, Limit: 1})
	require.ErrorIs(t, err, flowstore.ErrQuery)
	assert.ErrorContains(t, err, "more than 50000 records, for it cannot tell of which of them the condition holds: source.address ~ 10.0; use a shorter time range")
	_, err = r.Groups(t.Context(), flowstore.GroupsQuery{Selection: everything, Limit: 1, By: []*flow.Field[flow.Flow]{flow.Flows.Lookup("destination.domains")}})
	assert.ErrorContains(t, err, "for it cannot group by destination.domains, which is a list")
	_, err = r.Histogram(t.Context(), flowstore.HistogramQuery{Selection: flowstore.Selection{Range: flowstore.Range{From: 0, To: 10}}, Step: 7})
	assert.ErrorContains(t, err, "Elasticsearch counts in milliseconds")
}

// TestAWatchEndsWhenWhoWatchesMayNotSeeMore: the browser then connects again, and is asked.
func TestAWatchEndsWhenWhoWatchesMayNotSeeMore(t *testing.T) {
	var asked atomic.Int32
	r := readFrom(t, Options{AsCaller: true, Poll: time.Millisecond}, func(w http.ResponseWriter, _ *http.Request) {
		switch n := asked.Add(1); {
		case n == 2:
			http.Error(w, "busy", http.StatusTooManyRequests) // goes away by itself
		case n < 6:
			_, _ = w.Write([]byte(`{"_shards":{"total":0},"hits":{"hits":[]}}`))
		default:
			http.Error(w, "who?", http.StatusUnauthorized)
		}
	})
	_, open := <-r.Watch(t.Context())
	require.False(t, open)
	require.EqualValues(t, 6, asked.Load())
}

func TestErrorsKeepTheirCause(t *testing.T) {
	cause := errors.New("cause")
	err := error(&answerError{flowstore.ErrForbidden, cause})
	require.ErrorIs(t, err, cause)
	require.EqualError(t, err, flowstore.ErrForbidden.Error()+": cause")
}
