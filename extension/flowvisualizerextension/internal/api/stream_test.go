package api

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flowstore/memstore"
)

// tap is a client that keeps what it was sent, by write.
type tap struct {
	*httptest.ResponseRecorder
	mu     sync.Mutex
	writes []string
}

func (p *tap) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.writes = append(p.writes, string(b))
	return len(b), nil
}

// take returns what was written since the last call.
func (p *tap) take() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	writes := p.writes
	p.writes = nil
	return writes
}

// listen opens a stream within a synctest bubble and takes its opening.
func listen(t *testing.T, h *Handler, query string) (*tap, context.CancelFunc) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	client := &tap{ResponseRecorder: httptest.NewRecorder()}
	request := httptest.NewRequestWithContext(ctx, http.MethodGet, basePath+"/stream?"+query, http.NoBody)
	go h.ServeHTTP(client, request)
	synctest.Wait()
	assert.Equal(t, "text/event-stream", client.Header().Get("Content-Type"))
	assert.Equal(t, []string{"retry: 2000\n: flows follow as they are stored\n\n"}, client.take())
	return client, cancel
}

func store(t *testing.T, s *memstore.Store, batch *flow.Batch) {
	t.Helper()
	require.NoError(t, s.Write(t.Context(), batch))
}

func TestStreamSendsWhatWasAskedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &memstore.Store{}
		h := newHandler(t, s)
		client, cancel := listen(t, h, "q=flow.action+%3D+deny")
		defer cancel()
		denied := flow.Flow{ID: flow.ID{Counter: 1}, Action: flow.Deny, Reporter: flow.ReporterSource}
		again := denied
		again.ID.Counter, again.Reporter, again.PeerObserved = 2, flow.ReporterDestination, true
		allowed := flow.Flow{ID: flow.ID{Counter: 3}, Action: flow.Allow}
		store(t, s, &flow.Batch{Flows: []flow.Flow{denied, again, allowed}})
		time.Sleep(streamInterval + time.Millisecond)
		got := client.take()
		require.Len(t, got, 1)
		assert.Equal(t, `event: flows`+"\n"+`data: {"flows":[`+string(appendFlow(nil, &denied))+"]}\n\n", got[0])
	})
}

func TestStreamBatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &memstore.Store{}
		client, cancel := listen(t, newHandler(t, s), "")
		defer cancel()
		for range 40 {
			store(t, s, &flow.Batch{Flows: make([]flow.Flow, 3)})
			time.Sleep(50 * time.Millisecond)
		}
		time.Sleep(streamInterval)
		got := client.take()
		assert.LessOrEqual(t, len(got), 9, "at most four a second")
		assert.Equal(t, 120, strings.Count(strings.Join(got, ""), `"flow.id"`))
	})
}

func TestStreamTellsWhatWasDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &memstore.Store{}
		client, cancel := listen(t, newHandler(t, s), "")
		defer cancel()
		store(t, s, &flow.Batch{Flows: make([]flow.Flow, streamBatch+7)})
		time.Sleep(streamInterval + time.Millisecond)
		got := strings.Join(client.take(), "")
		assert.Equal(t, streamBatch, strings.Count(got, `"flow.id"`))
		assert.Contains(t, got, "event: dropped\ndata: {\"count\":7}\n\n")
	})
}

func TestStreamSendsSignsOfLifeAndLosses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &memstore.Store{}
		sign := func(host string, at, cpu int64) flow.Agent {
			return flow.Agent{Observer: flow.Observer{Host: flow.Intern(host)}, Time: noon.UnixNano() + at, Started: 1, CPUTime: cpu}
		}
		store(t, s, &flow.Batch{Agents: []flow.Agent{sign("a", 1e9, 0)}})
		client, cancel := listen(t, newHandler(t, s), "q=flow.action+%3D+deny")
		defer cancel()
		store(t, s, &flow.Batch{
			Agents: []flow.Agent{sign("a", 2e9, 5e8), sign("b", 2e9, 5e8), sign("a", 15e8, 1)},
			Losses: []flow.Loss{{Observer: flow.Observer{Host: flow.Intern("a")}, Start: 1e9, End: 2e9, Stage: flow.StageMerge, Unit: flow.UnitRecords, Count: 4}},
		})
		time.Sleep(streamInterval + time.Millisecond)
		assert.Equal(t, `event: loss
data: {"host":"a","start":"1970-01-01T00:00:01.000Z","end":"1970-01-01T00:00:02.000Z","stage":"merge","unit":"records","count":4}

event: agent
data: {"host":"a","node":"","cluster":"","version":"","lastSeen":"2026-01-02T12:00:02.000Z","started":"1970-01-01T00:00:00.000Z","intervalSeconds":0,"engines":[],"connections":0,"records":0,"lost":0,"cpuPercent":50}

event: agent
data: {"host":"b","node":"","cluster":"","version":"","lastSeen":"2026-01-02T12:00:02.000Z","started":"1970-01-01T00:00:00.000Z","intervalSeconds":0,"engines":[],"connections":0,"records":0,"lost":0}

`, strings.Join(client.take(), ""))
	})
}

func TestStreamBeatsWhileNothingHappens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, cancel := listen(t, newHandler(t, nil), "")
		defer cancel()
		time.Sleep(time.Minute + time.Second)
		assert.Equal(t, []string{": still here\n\n", ": still here\n\n", ": still here\n\n", ": still here\n\n"}, client.take())
	})
}

func TestStreamEnds(t *testing.T) {
	for name, end := range map[string]func(*Handler, *memstore.Store, context.CancelFunc){
		"with the client":  func(_ *Handler, _ *memstore.Store, cancel context.CancelFunc) { cancel() },
		"with the handler": func(h *Handler, _ *memstore.Store, _ context.CancelFunc) { h.Close() },
		"with the store":   func(_ *Handler, s *memstore.Store, _ context.CancelFunc) { _ = s.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			// The bubble ends only when every goroutine in it has.
			synctest.Test(t, func(t *testing.T) {
				s := &memstore.Store{}
				h := newHandler(t, s)
				_, cancel := listen(t, h, "")
				defer cancel()
				end(h, s, cancel)
				synctest.Wait()
				assert.False(t, s.Watched())
			})
		})
	}
}

func TestStreamAfterClose(t *testing.T) {
	h := newHandler(t, nil)
	h.Close()
	assert.Equal(t, "store_unavailable", refusal(t, ask(t, h, basePath+"/stream"), http.StatusServiceUnavailable).Code)
}

func TestStreamsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHandler(t, nil)
		for range maxStreams {
			_, cancel := listen(t, h, "")
			defer cancel()
		}
		got := refusal(t, ask(t, h, basePath+"/stream"), http.StatusServiceUnavailable)
		assert.Contains(t, got.Message, "too many live streams are open")
	})
}

// stuck is a client that accepts nothing until it is let go.
type stuck struct {
	*tap
	free chan struct{}
}

func (s *stuck) Write(b []byte) (int, error) {
	<-s.free
	return s.tap.Write(b)
}

func TestSlowClientIsToldWhatItMissed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &memstore.Store{}
		h := newHandler(t, s)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		client := &stuck{tap: &tap{ResponseRecorder: httptest.NewRecorder()}, free: make(chan struct{})}
		go h.ServeHTTP(client, httptest.NewRequestWithContext(ctx, http.MethodGet, basePath+"/stream", http.NoBody))
		synctest.Wait()
		const batches = 200
		for range batches {
			store(t, s, &flow.Batch{Flows: make([]flow.Flow, 1)})
		}
		close(client.free)
		time.Sleep(streamInterval + time.Millisecond)
		store(t, s, &flow.Batch{Flows: make([]flow.Flow, 1)})
		time.Sleep(streamInterval + time.Millisecond)
		got := strings.Join(client.take(), "")
		sent := strings.Count(got, `"flow.id"`)
		assert.Less(t, sent, batches)
		var dropped droppedBody
		for _, event := range strings.Split(got, "\n\n") {
			if data, ok := strings.CutPrefix(event, "event: dropped\ndata: "); ok {
				require.NoError(t, json.Unmarshal([]byte(data), &dropped))
			}
		}
		assert.Equal(t, batches+1, sent+dropped.Count, "sent and dropped add up")
	})
}
