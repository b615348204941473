package api

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flowstore"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flowstore/memstore"
)

func TestBadParameters(t *testing.T) {
	h := newHandler(t, sampleStore(t))
	for target, want := range map[string]errorDetail{
		"/flows?limit=0":                             {Code: "bad_request", Field: "limit", Message: `limit="0" is not a whole number from 1 to 1000`},
		"/flows?limit=1001":                          {Code: "bad_request", Field: "limit", Message: `limit="1001" is not a whole number from 1 to 1000`},
		"/flows?limit=ten":                           {Code: "bad_request", Field: "limit", Message: `limit="ten" is not a whole number from 1 to 1000`},
		"/flows?order=asc":                           {Code: "bad_request", Field: "order", Message: `unknown order "asc": records come newest first (desc)`},
		"/flows?cursor=AAAA":                         {Code: "bad_request", Field: "cursor", Message: "this is no cursor: use next of the page before, or leave it out to start at the newest"},
		"/flows?cursor=%21":                          {Code: "bad_request", Field: "cursor", Message: "this is no cursor: use next of the page before, or leave it out to start at the newest"},
		"/flows?cursor=" + strings.Repeat("A", 4097): {Code: "bad_request", Field: "cursor", Message: "this is no cursor: use next of the page before, or leave it out to start at the newest"},
		"/flows?from=yesterday":                      {Code: "bad_request", Field: "from", Message: `from="yesterday" is not a time: write it like 2006-01-02T15:04:05Z, or as milliseconds since 1970`},
		"/flows?to=-1":                               {Code: "bad_request", Field: "to", Message: `to="-1" is not between 1970 and 2200`},
		"/flows?to=9223372036854775":                 {Code: "bad_request", Field: "to", Message: `to="9223372036854775" is not between 1970 and 2200`},
		"/flows?from=2000&to=1000":                   {Code: "bad_request", Field: "from", Message: "from (1970-01-01T00:00:02.000Z) is not before to (1970-01-01T00:00:01.000Z): swap them"},
		"/flows?reporter=nobody":                     {Code: "bad_request", Field: "reporter", Message: `unknown reporter "nobody": use once, source, destination, forward or all`},
		"/flows?%zz":                                 {Code: "bad_request", Message: `the request's parameters cannot be read (invalid URL escape "%zz"): percent-encode them`},
		"/flows.csv?limit=0":                         {Code: "bad_request", Field: "limit", Message: `limit="0" is not a whole number from 1 to 10000000`},
		"/groups?by=nothing":                         {Code: "bad_request", Field: "by", Message: `there is no field "nothing": /api/v1/fields lists them`},
		"/groups?by=source.bytes":                    {Code: "bad_request", Field: "by", Message: "field source.bytes is a counter: use one that /api/v1/fields calls groupable"},
		"/groups?by=host.name,":                      {Code: "bad_request", Field: "by", Message: `there is no field "": /api/v1/fields lists them`},
		"/groups?by=a" + strings.Repeat(",a", 24):    {Code: "bad_request", Field: "by", Message: "by names 25 fields: group by at most 24"},
		"/groups?by=host.name,%20host.name":          {Code: "bad_request", Field: "by", Message: "by names host.name twice: name each field once"},
		"/groups?sort=beauty":                        {Code: "bad_request", Field: "sort", Message: `cannot sort by "beauty": use bytes, connections, packets, denied or the name of a counter`},
		"/groups?sort=source.address":                {Code: "bad_request", Field: "sort", Message: `cannot sort by "source.address": use bytes, connections, packets, denied or the name of a counter`},
		"/histogram?buckets=5001":                    {Code: "bad_request", Field: "buckets", Message: `buckets="5001" is not a whole number from 1 to 5000`},
		"/values":                                    {Code: "bad_request", Field: "field", Message: "the parameter field is missing: name the field whose values to list"},
		"/values?field=nothing":                      {Code: "bad_request", Field: "field", Message: `there is no field "nothing": /api/v1/fields lists them`},
		"/stream?reporter=nobody":                    {Code: "bad_request", Field: "reporter", Message: `unknown reporter "nobody": use once, source, destination, forward or all`},
	} {
		t.Run(target, func(t *testing.T) {
			assert.Equal(t, want, refusal(t, ask(t, h, basePath+target), http.StatusBadRequest))
		})
	}
}

func TestBadFilterSaysWhere(t *testing.T) {
	h := newHandler(t, nil)
	for _, path := range []string{"/flows", "/flows.csv", "/flows.ndjson", "/groups", "/histogram", "/values", "/stream"} {
		got := refusal(t, ask(t, h, basePath+path+"?q="+url.QueryEscape("flow.action = deny and prot = 5")), http.StatusBadRequest)
		assert.Equal(t, "bad_query", got.Code, path)
		assert.Equal(t, "q", got.Field, path)
		require.NotNil(t, got.Offset, path)
		assert.Equal(t, 23, *got.Offset, path)
		assert.Contains(t, got.Message, `there is no field "prot"`, path)
	}
	got := refusal(t, ask(t, h, basePath+"/flows?q=%3D"), http.StatusBadRequest)
	require.NotNil(t, got.Offset, "also when it is zero")
	assert.Zero(t, *got.Offset)
}

// failing is a store whose questions end as the test wants.
type failing struct {
	memstore.Store
	flows func(context.Context) error
}

func (f *failing) Flows(ctx context.Context, _ flowstore.FlowsQuery) (flowstore.FlowsPage, error) {
	return flowstore.FlowsPage{}, f.flows(ctx)
}

func TestStoreErrors(t *testing.T) {
	core, logs := observer.New(zap.WarnLevel)
	for name, test := range map[string]struct {
		err    error
		status int
		want   errorDetail
		logged int
	}{
		"closed":  {flowstore.ErrClosed, 503, errorDetail{Code: "store_unavailable", Message: "the store is not open: the collector is starting or stopping, or its log says why the store could not open"}, 0},
		"refused": {flowstore.ErrQuery, 400, errorDetail{Code: "bad_request", Message: "bad query"}, 0},
		"unknown": {flowstore.ErrUnauthenticated, 401, errorDetail{Code: "unauthenticated", Message: "the store asks who you are: log in; if you did, flow_visualizer needs include_metadata: true to pass that on"}, 0},
		"barred":  {fmt.Errorf("%w: grant read", flowstore.ErrForbidden), 403, errorDetail{Code: "forbidden", Message: "the store does not let them see this: grant read"}, 0},
		"away":    {fmt.Errorf("%w: connection refused", flowstore.ErrUnavailable), 503, errorDetail{Code: "store_unavailable", Message: "the store's server cannot be reached, or has too much to do; the collector's log says more"}, 1},
		"slow":    {context.DeadlineExceeded, 504, errorDetail{Code: "timeout", Message: "the store needs longer than 10s: ask for a shorter time range, or raise query_timeout of the flow_visualizer extension"}, 0},
		"broken":  {errors.New("SELECT secret FROM /path"), 500, errorDetail{Code: "internal", Message: "the store could not answer; the collector's log says why"}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			store := &failing{flows: func(context.Context) error { return test.err }}
			h := newHandler(t, store, func(o *Options) { o.Logger = zap.New(core) })
			for _, path := range []string{"/flows", "/flows.csv", "/flows.ndjson"} {
				response := ask(t, h, basePath+path)
				assert.Empty(t, response.Header.Get("Content-Disposition"))
				assert.Equal(t, test.status == http.StatusUnauthorized, response.Header.Get("WWW-Authenticate") != "", "a browser asks")
				assert.Equal(t, test.want, refusal(t, response, test.status))
				assert.Len(t, logs.TakeAll(), test.logged)
			}
		})
	}
}

func TestQueriesHaveATimeLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &failing{flows: func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }}
		h := newHandler(t, store)
		began := time.Now()
		assert.Equal(t, "timeout", refusal(t, ask(t, h, basePath+"/flows"), http.StatusGatewayTimeout).Code)
		assert.Equal(t, 10*time.Second, time.Since(began))
	})
}

func TestQueriesBeyondTheLimitWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var running, most atomic.Int32
		store := &failing{flows: func(context.Context) error {
			if n := running.Add(1); n > most.Load() {
				most.Store(n)
			}
			time.Sleep(time.Second) // lets every other goroutine run up to its wait
			running.Add(-1)
			return nil
		}}
		h := newHandler(t, store)
		for range 3 * maxQueries {
			go func() { assert.Equal(t, http.StatusOK, ask(t, h, basePath+"/flows").StatusCode) }()
		}
		time.Sleep(5 * time.Second)
		assert.EqualValues(t, maxQueries, most.Load())
	})
}

// cutOff answers one page and then fails.
type cutOff struct{ failing }

func (c *cutOff) Flows(_ context.Context, q flowstore.FlowsQuery) (flowstore.FlowsPage, error) {
	if !q.After.IsZero() {
		return flowstore.FlowsPage{}, errors.New("the disk is gone")
	}
	return flowstore.FlowsPage{Flows: make([]flow.Flow, 1), Next: "next"}, nil
}

func TestAnExportThatFailsHalfWayIsBrokenOff(t *testing.T) {
	core, logs := observer.New(zap.WarnLevel)
	h := newHandler(t, &cutOff{}, func(o *Options) { o.Logger = zap.New(core) })
	assert.PanicsWithValue(t, http.ErrAbortHandler, func() { ask(t, h, basePath+"/flows.ndjson") },
		"the only way to tell a client that the file is not complete")
	assert.Equal(t, 1, logs.Len())
}

func TestUnknownPathsAndMethods(t *testing.T) {
	h := newHandler(t, nil)
	got := refusal(t, ask(t, h, "/api/v1/flow"), http.StatusNotFound)
	assert.Equal(t, errorDetail{Code: "not_found", Message: "there is no /api/v1/flow: /api/v1/openapi.json lists what there is"}, got)
	refusal(t, ask(t, h, "/api/v2/flows"), http.StatusNotFound)

	for _, route := range h.routes() {
		for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodPatch} {
			response := send(t, h, method, basePath+route.path)
			assert.Equal(t, "GET, HEAD, OPTIONS", response.Header.Get("Allow"))
			assert.Equal(t, method+" is not possible here: use GET", refusal(t, response, http.StatusMethodNotAllowed).Message)
		}
		response := send(t, h, http.MethodOptions, basePath+route.path)
		assert.Equal(t, http.StatusNoContent, response.StatusCode)
		assert.Equal(t, "GET, HEAD, OPTIONS", response.Header.Get("Allow"))
		if route.path != "/values" { // which lacks its field
			assert.Equal(t, http.StatusOK, send(t, h, http.MethodHead, basePath+route.path).StatusCode, route.path)
		}
	}
}

func TestConformanceCheckNoticesWhatIsNotDescribed(t *testing.T) {
	h := newHandler(t, sampleStore(t))
	response := ask(t, h, basePath+"/losses")
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	response.Request, err = http.NewRequestWithContext(t.Context(), http.MethodGet, "http://x"+basePath+"/losses", http.NoBody)
	require.NoError(t, err)
	require.NoError(t, conforms(response.Request, response, body))
	for _, change := range []string{`"host":1`, `"unknown":"x"`} {
		changed := strings.Replace(string(body), `"host":"machine"`, change, 1)
		require.Error(t, conforms(response.Request, response, []byte(changed)), change)
	}
}
