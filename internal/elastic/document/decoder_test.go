package document_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/document"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/schema"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow/flowtest"
)

var bothMappings = []schema.Mapping{schema.ECS, schema.OTel}

// TestADocumentReadsBackAsItsRecord: but a key of labels ends at its first equals sign, which
// Kubernetes has in none.
func TestADocumentReadsBackAsItsRecord(t *testing.T) {
	for _, m := range bothMappings {
		t.Run(m.String(), func(t *testing.T) {
			r := rand.New(rand.NewPCG(7, 7))
			for range 2000 {
				f := flowtest.Flow(r)
				got := readBack(t, m, flow.EventFlow, flow.Flows, &flow.Batch{Flows: []flow.Flow{f}})
				for _, k := range []*flow.Kubernetes{f.Source.Kubernetes, f.Destination.Kubernetes} {
					if k != nil {
						k.PodLabels, k.NamespaceLabels = cutAtEquals(k.PodLabels), cutAtEquals(k.NamespaceLabels)
					}
				}
				require.Equal(t, f, got)
			}
			observer := flow.Observer{Host: flow.Intern("node-1"), Cluster: flow.Intern("east")}
			loss := flow.Loss{ID: flow.ID{Node: 1, Epoch: 2, Counter: 3}, Observer: observer, Start: 1e18, End: 1e18 + 1, Stage: flow.StageMerge, Unit: flow.UnitRecords, Count: 1 << 60}
			require.Equal(t, loss, readBack(t, m, flow.EventLoss, flow.Losses, &flow.Batch{Losses: []flow.Loss{loss}}))
			agent := flow.Agent{
				ID: flow.ID{Node: 1, Epoch: 2, Counter: 4}, Observer: observer, Time: 1e18, Started: 5, Version: "0.1", Interval: 10,
				Engines:     []flow.Engine{{Name: "tcp", On: true}, {Name: "dns", Detail: "off: by configuration"}},
				Connections: 1, Records: 2, Lost: 3, CPUTime: 4, Memory: 5,
			}
			require.Equal(t, agent, readBack(t, m, flow.EventAgent, flow.Agents, &flow.Batch{Agents: []flow.Agent{agent}}))
		})
	}
}

func cutAtEquals(l flow.Labels) flow.Labels {
	if value, ok := l.Get("app=x"); ok {
		var list []flow.Label
		for _, label := range l.List() {
			if label.Key != "app=x" {
				list = append(list, label)
			}
		}
		return flow.LabelsOf(append(list, flow.Label{Key: "app", Value: "x=" + value})...)
	}
	return l
}

// readBack writes the one record of batch and reads it.
func readBack[T any](t *testing.T, m schema.Mapping, event string, registry *flow.Registry[T], batch *flow.Batch) T {
	t.Helper()
	encoder, err := document.NewEncoder(document.Options{Mapping: m})
	require.NoError(t, err)
	resource := flow.Encode(batch, time.Unix(1, 0)).ResourceLogs().At(0)
	text, target, err := encoder.Append(nil, resource.Resource(), resource.ScopeLogs().At(0).LogRecords().At(0))
	require.NoError(t, err)
	var got T
	require.NoError(t, document.NewDecoder(m, event, registry).Decode(target.ID, text, &got))
	return got
}

func TestDocumentsOfOthersAreReadAsFarAsTheyGo(t *testing.T) {
	decoder := document.NewDecoder(schema.ECS, flow.EventFlow, flow.Flows)
	port := func(n uint16) flow.Flow { return flow.Flow{Source: flow.Endpoint{Port: n}} }
	for text, want := range map[string]flow.Flow{
		`{"source.port":80}`:                                      port(80),
		`{"source":{"port":[80]}}`:                                port(80),
		`{"source":{"port":null,"ip":[]},"x":{"y":1}}`:            {},
		`{"event":{"end":"1970-01-01T02:00:00.5+02:00"}}`:         {End: 5e8},
		`{"event":{"end":1500}}`:                                  {End: 15e8},
		`{"destination":{"domain":"a.example"}}`:                  {Destination: flow.Endpoint{Domains: flow.NameSetOf(flow.Intern("a.example"))}},
		`{"destination":{"bytes":9223372036854775807,"port":[]}}`: {Destination: flow.Endpoint{Bytes: 1<<63 - 1}},
	} {
		var got flow.Flow
		require.NoError(t, decoder.Decode("bm90IG91cnM", []byte(text), &got), text)
		assert.Equal(t, want, got, text)
	}
	for text, want := range map[string]string{
		`[]`: "decode document: it is no object",
		`{"source":{"port":"http"},"destination":{"port":1}}`: `attribute source.port: "http" is no integer`,
		`{"source":{"port":[1,2]}}`:                           `attribute source.port: a list of 2 values is no integer`,
		`{"source":{"port":70000}}`:                           "attribute source.port: 70000 is out of range",
		`{"source":{"ip":"localhost"}}`:                       `attribute source.address: "localhost" is no address`,
		`{"event":{"action":"maybe"}}`:                        `attribute flow.action: unknown action "maybe"`,
		`{"event":{"end":"1969-12-31T23:59:59Z"}}`:            `attribute flow.end: "1969-12-31T23:59:59Z" is no time`,
		`{"destination":{"domain":[{}]}}`:                     "attribute destination.domains: the list holds something that is no text",
		`{"flow":{"peer":{"observed":1}}}`:                    `attribute flow.peer.observed: "1" is no boolean`,
	} {
		var got flow.Flow
		assert.ErrorContains(t, decoder.Decode("", []byte(text), &got), want, text)
	}
}

// TestADocumentThatIsCutOffIsNone: half a record would look like a whole one.
func TestADocumentThatIsCutOffIsNone(t *testing.T) {
	decoder := document.NewDecoder(schema.ECS, flow.EventFlow, flow.Flows)
	for _, text := range []string{
		"", "null", `"text"`, "{", `{"source":{"port":80}`, `{"source":{"port":80,`, `{"source":{"port":80},"destination":{"domain":["a"`,
		`{"source":{"port":80},"x":tru}`, `{"source":{"port":80} "x":1}`, `{"source":{"port":80},"x":[1 2]}`, `{"source":{"port":80},1:2}`,
	} {
		var got flow.Flow
		require.ErrorContains(t, decoder.Decode("1-1-1", []byte(text), &got), "decode document: ", text)
		require.Equal(t, flow.Flow{}, got, text)
	}
}

// TestAFieldIsFoundHoweverItsPathIsWritten: as objects, as names with dots, or partly so.
func TestAFieldIsFoundHoweverItsPathIsWritten(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 9))
	for _, m := range bothMappings {
		decoder := document.NewDecoder(m, flow.EventFlow, flow.Flows)
		for range 500 {
			f := flowtest.Flow(r)
			resource, record := one(t, flow.Batch{Flows: []flow.Flow{f}})
			text, target, err := encoder(t, document.Options{Mapping: m}).Append(nil, resource, record)
			require.NoError(t, err)
			var want, got flow.Flow
			require.NoError(t, decoder.Decode(target.ID, text, &want))
			var object map[string]json.RawMessage
			require.NoError(t, json.Unmarshal(text, &object))
			require.NoError(t, decoder.Decode(target.ID, rewrite(t, r, object), &got), "%s", text)
			require.Equal(t, want, got)
		}
	}
}

// rewrite takes some of the objects in an object apart, and escapes some of its names.
func rewrite(t *testing.T, r *rand.Rand, object map[string]json.RawMessage) []byte {
	text := []byte{'{'}
	add := func(name string, value []byte) {
		if len(text) > 1 {
			text = append(text, ',')
		}
		if r.IntN(4) == 0 {
			text = fmt.Appendf(text, `"\u%04x%s" : %s`, name[0], name[1:], value)
		} else {
			text = fmt.Appendf(text, `%q:%s`, name, value)
		}
	}
	for name, value := range object {
		var inner map[string]json.RawMessage
		if value[0] != '{' {
			add(name, value)
			continue
		}
		require.NoError(t, json.Unmarshal(value, &inner))
		if r.IntN(2) == 0 {
			add(name, rewrite(t, r, inner))
			continue
		}
		for innerName, value := range inner {
			add(name+"."+innerName, value)
		}
	}
	return append(text, '}')
}

// FuzzDecoder reads anything; what it reads can be written, and of what is no document
// nothing is read.
func FuzzDecoder(f *testing.F) {
	for _, seed := range []string{`{}`, `{"source":{"port":1,"k8s.pod.labels":["a=b"]}}`, `{"attributes":{"flow.end":"2026-01-01T00:00:00Z"}}`, `{"a":[[[]]]}`, `{"event":{"end":[1500]},"source.ip":["::1","::2"],"destination":{"domain":"\\u0061"}}`, `{"source":{"port":1},`} {
		f.Add([]byte(seed), "1-1-1")
	}
	f.Fuzz(func(t *testing.T, text []byte, id string) {
		for _, m := range bothMappings {
			var got flow.Flow
			err := document.NewDecoder(m, flow.EventFlow, flow.Flows).Decode(id, text, &got)
			if err != nil && strings.HasPrefix(err.Error(), "decode document: ") {
				require.Equal(t, flow.Flow{}, got)
				var object map[string]any
				require.True(t, json.Unmarshal(text, &object) != nil || object == nil, "%q", text)
			}
			flow.Encode(&flow.Batch{Flows: []flow.Flow{got}}, time.Unix(1, 0))
			_ = document.NewDecoder(m, flow.EventAgent, flow.Agents).Decode(id, text, new(flow.Agent))
		}
	})
}
