package api

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flowstore"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flowstore/memstore"
)

// noon is the present of every test.
var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

// ago is an instant before noon in nanoseconds.
func ago(d time.Duration) int64 { return noon.Add(-d).UnixNano() }

var ui = fstest.MapFS{
	"index.html":                {Data: []byte("<!doctype html><title>UI</title>")},
	"assets/index-BX1f9Qyz.js":  {Data: bytes.Repeat([]byte("console.log(1);\n"), 200)},
	"assets/index-C0ffee12.css": {Data: []byte("body{}")},
	"favicon.svg":               {Data: []byte("<svg xmlns='http://www.w3.org/2000/svg'/>")},
}

// newHandler returns a handler over store, which may be nil for an empty one.
func newHandler(t testing.TB, store flowstore.Source, change ...func(*Options)) *Handler {
	t.Helper()
	if store == nil {
		store = &memstore.Store{}
	}
	options := Options{
		Store: store, UI: ui, Product: "otelcol-flowlogs", Version: "1.2.3", Host: "machine",
		QueryTimeout: 10 * time.Second, Now: func() time.Time { return noon }, Logger: zap.NewNop(),
	}
	for _, c := range change {
		c(&options)
	}
	h, err := New(options)
	require.NoError(t, err)
	t.Cleanup(h.Close)
	return h
}

// sampleStore holds three connections: a browser's to a public server, reported
// once; a local one that both ends report; and a refused one. It also holds a
// loss and the signs of life of two machines.
func sampleStore(t testing.TB) *memstore.Store {
	t.Helper()
	name := flow.Intern
	observer := flow.Observer{Host: name("machine")}
	browser := flow.Flow{
		ID: flow.ID{Node: 0xabc, Epoch: 1, Counter: 1}, Observer: observer,
		Start: ago(65 * time.Second), End: ago(60 * time.Second),
		Reporter: flow.ReporterSource, Action: flow.Allow, Transport: flow.TransportTCP,
		Source: flow.Endpoint{
			Address: netip.MustParseAddr("192.168.1.20"), Type: flow.EndpointHost, Scope: flow.ScopePrivate,
			Process: name("chromium"), Bytes: 1000, Packets: 10, PayloadBytes: 400,
		},
		Destination: flow.Endpoint{
			Address: netip.MustParseAddr("203.0.113.7"), Port: 443, Type: flow.EndpointNetwork, Scope: flow.ScopePublic,
			Bytes: 50_000, Packets: 40, PayloadBytes: 47_000,
		},
		Process:     flow.Process{Executable: name("chromium"), PID: 4711, Cgroup: name("/user.slice")},
		Connections: flow.Connections{Seen: 3, Started: 2, Completed: 1, Open: 2, Reset: 1},
		TCP:         flow.TCP{RTTSum: 300, RTTSamples: 3, RTTMin: 80, RTTMax: 130, Retransmits: 2},
	}
	local := flow.Flow{
		ID: flow.ID{Node: 0xabc, Epoch: 1, Counter: 2}, Observer: observer,
		Start: ago(35 * time.Second), End: ago(30 * time.Second),
		Reporter: flow.ReporterSource, PeerObserved: true, Action: flow.Allow, Transport: flow.TransportTCP,
		Source:      flow.Endpoint{Address: netip.MustParseAddr("::1"), Port: 50000, Type: flow.EndpointHost, Scope: flow.ScopeLoopback, Process: name("=curl"), Bytes: 200, Packets: 3, PayloadBytes: 50},
		Destination: flow.Endpoint{Address: netip.MustParseAddr("::1"), Port: 8080, Type: flow.EndpointHost, Scope: flow.ScopeLoopback, Process: name(`we"b, <1>`), Bytes: 300, Packets: 3, PayloadBytes: 100},
		Process:     flow.Process{Executable: name("=curl")},
		Connections: flow.Connections{Seen: 1, Started: 1, Completed: 1},
	}
	mirrored := local
	mirrored.ID.Counter, mirrored.Reporter = 3, flow.ReporterDestination
	mirrored.Process.Executable = name(`we"b, <1>`)
	refused := flow.Flow{
		ID: flow.ID{Node: 0xabc, Epoch: 1, Counter: 4}, Observer: observer,
		Start: ago(20 * time.Second), End: ago(10 * time.Second),
		Reporter: flow.ReporterSource, Action: flow.Deny, Denial: flow.Denial{Reason: name("connection_refused"), Class: flow.NoListener}, Transport: flow.TransportTCP,
		Source:      flow.Endpoint{Address: netip.MustParseAddr("192.168.1.20"), Scope: flow.ScopePrivate, Bytes: 60, Packets: 1},
		Destination: flow.Endpoint{Address: netip.MustParseAddr("10.0.0.9"), Port: 5432, Scope: flow.ScopePrivate, Bytes: 40, Packets: 1},
		Connections: flow.Connections{Seen: 5, Started: 5, Completed: 5},
	}
	engines := []flow.Engine{{Name: "tcp", On: true}, {Name: "udp", Detail: "not built in"}}
	agent := func(host string, counter uint64, before, cpu time.Duration) flow.Agent {
		return flow.Agent{
			ID: flow.ID{Node: 0xdef, Counter: counter}, Observer: flow.Observer{Host: name(host)},
			Time: ago(before), Started: ago(time.Hour), Version: "1.2.3", Interval: int64(5 * time.Second), Engines: engines,
			Connections: 12, Records: 100 * counter, Lost: 1, CPUTime: int64(cpu), Memory: 90_000_000,
		}
	}
	stopped := agent("another", 3, time.Minute, time.Second)
	stopped.Ended = true
	store := &memstore.Store{}
	require.NoError(t, store.Write(context.Background(), &flow.Batch{
		Flows: []flow.Flow{browser, local, mirrored, refused},
		Losses: []flow.Loss{
			{ID: flow.ID{Node: 0xabc, Epoch: 1, Counter: 5}, Observer: observer, Start: ago(50 * time.Second), End: ago(45 * time.Second), Stage: flow.StageRingBuffer, Unit: flow.UnitConnections, Count: 312},
			{ID: flow.ID{Node: 0xabc, Epoch: 1, Counter: 6}, Observer: observer, Start: ago(40 * time.Second), End: ago(35 * time.Second), Stage: flow.StagePipeline, Unit: flow.UnitRecords, Count: 8},
		},
		Agents: []flow.Agent{
			agent("machine", 1, 10*time.Second, time.Second),
			agent("machine", 2, 5*time.Second, time.Second+20*time.Millisecond),
			stopped,
		},
	}))
	t.Cleanup(func() { _ = store.Close() })
	return store
}

// ask sends a GET and checks the answer against the OpenAPI document.
func ask(t testing.TB, h http.Handler, target string, header ...string) *http.Response {
	t.Helper()
	return send(t, h, http.MethodGet, target, header...)
}

func send(t testing.TB, h http.Handler, method, target string, header ...string) *http.Response {
	t.Helper()
	request := httptest.NewRequest(method, target, http.NoBody)
	for i := 0; i < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	recorder := httptest.NewRecorder()
	h.ServeHTTP(recorder, request)
	response := recorder.Result()
	require.NoError(t, conforms(request, response, recorder.Body.Bytes()))
	return response
}

var described = func() *openapi3.T {
	for _, contentType := range []string{contentTypeNDJSON, contentTypeEvents} {
		openapi3filter.RegisterBodyDecoder(contentType, openapi3filter.FileBodyDecoder)
	}
	openapi3filter.RegisterBodyDecoder(contentTypeCSV, openapi3filter.FileBodyDecoder)
	source, err := openapiDocument()
	if err != nil {
		panic(err)
	}
	d, err := openapi3.NewLoader().LoadFromData(source)
	if err != nil {
		panic(err)
	}
	return d
}()

// conforms compares an answer with the OpenAPI document. Answers to paths that
// are not in it, and to other methods, have nothing to conform to.
func conforms(request *http.Request, response *http.Response, body []byte) error {
	path := strings.TrimPrefix(request.URL.Path, basePath)
	item := described.Paths.Find(path)
	if item == nil || request.Method != http.MethodGet || response.Header.Get("Content-Encoding") != "" {
		return nil
	}
	return openapi3filter.ValidateResponse(context.Background(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{
			Request: request,
			Route: &routers.Route{
				Spec: described, Server: described.Servers[0], Path: path, PathItem: item,
				Method: request.Method, Operation: item.Get,
			},
		},
		Status: response.StatusCode, Header: response.Header, Body: io.NopCloser(bytes.NewReader(body)),
		Options: &openapi3filter.Options{IncludeResponseStatus: true, MultiError: true},
	})
}

// read decodes a JSON answer with the wanted status.
func read[T any](t testing.TB, response *http.Response, status int) T {
	t.Helper()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.Equal(t, status, response.StatusCode, string(body))
	require.Equal(t, contentTypeJSON, response.Header.Get("Content-Type"))
	var answer T
	require.NoError(t, json.Unmarshal(body, &answer), string(body))
	return answer
}

// object is a JSON object whose shape the OpenAPI document vouches for.
type object = map[string]any

func refusal(t testing.TB, response *http.Response, status int) errorDetail {
	t.Helper()
	return read[errorBody](t, response, status).Error
}
