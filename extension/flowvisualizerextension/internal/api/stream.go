package api

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"time"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flowstore"
)

const (
	contentTypeEvents = "text/event-stream"

	// streamInterval is the least time between two batches.
	streamInterval = 250 * time.Millisecond
	// streamBatch is how many flows one batch carries; what comes on top within
	// one interval is counted as dropped. A person cannot follow more.
	streamBatch = 1000
	// heartbeat keeps proxies from closing a silent stream.
	heartbeat = 15 * time.Second
)

// stream sends records as they are stored, as server-sent events.
func (h *Handler) stream(w http.ResponseWriter, r *http.Request, p params) error {
	selection, err := p.selectionIn(flowstore.Range{From: math.MinInt64, To: math.MaxInt64})
	if err != nil {
		return err
	}
	select {
	case h.streams <- struct{}{}:
		defer func() { <-h.streams }()
	default:
		return &requestError{
			status: http.StatusServiceUnavailable, code: codeStoreUnavailable,
			message: "too many live streams are open: close some, or ask for /flows from time to time",
		}
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer context.AfterFunc(h.closing, cancel)()
	if h.closing.Err() != nil {
		return flowstore.ErrClosed
	}
	agents, err := h.newestAgents(ctx, p.now.Add(-agentsFor))
	if errors.Is(err, flowstore.ErrUnauthenticated) || errors.Is(err, flowstore.ErrForbidden) {
		return err // the stream itself could not say so
	}
	w.Header().Set("Content-Type", contentTypeEvents)
	w.Header().Set("X-Accel-Buffering", "no")
	if r.Method == http.MethodHead {
		return nil
	}
	events := h.store.Watch(ctx)
	s := &streamer{w: w, rc: http.NewResponseController(w), selection: selection, agents: agents}
	s.out = append(s.out, "retry: 2000\n: flows follow as they are stored\n\n"...)
	s.run(events)
	return nil
}

// newestAgents is the newest sign of life of each observer, from which the next
// ones measure. Without it the first of each lacks its use of the processor.
func (h *Handler) newestAgents(ctx context.Context, since time.Time) (map[flow.Observer]flow.Agent, error) {
	newest := make(map[flow.Observer]flow.Agent)
	err := h.ask(ctx, func(ctx context.Context) error {
		hosts, err := h.store.Agents(ctx, since.UnixNano())
		for _, signs := range hosts {
			if len(signs) > 0 {
				newest[signs[0].Observer] = signs[0]
			}
		}
		return err
	})
	return newest, err
}

// streamer gathers events for one client and writes them in batches.
type streamer struct {
	w         http.ResponseWriter
	rc        *http.ResponseController
	selection flowstore.Selection
	agents    map[flow.Observer]flow.Agent

	flows   []byte // JSON objects with commas between
	count   int    // of the objects in flows
	dropped int
	out     []byte // complete events
}

// run writes until events ends or the client is gone.
func (s *streamer) run(events <-chan flowstore.Event) {
	if s.write() != nil {
		return
	}
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	pause := time.NewTicker(streamInterval)
	defer pause.Stop()
	for {
		select {
		case event, ok := <-events:
			if !ok {
				return
			}
			s.add(&event)
		case <-pause.C:
			if s.flush() != nil {
				return
			}
		case <-beat.C:
			s.out = append(s.out, ": still here\n\n"...)
			if s.write() != nil {
				return
			}
		}
	}
}

// add takes what the client asked for out of event, which is shared.
func (s *streamer) add(event *flowstore.Event) {
	s.dropped += event.Missed
	for i := range event.Batch.Flows {
		f := &event.Batch.Flows[i]
		switch {
		case !s.selection.Includes(f):
		case s.count == streamBatch:
			s.dropped++
		default:
			if s.count > 0 {
				s.flows = append(s.flows, ',')
			}
			s.flows = appendFlow(s.flows, f)
			s.count++
		}
	}
	for i := range event.Batch.Losses {
		s.event("loss", lossOf(&event.Batch.Losses[i]))
	}
	for i := range event.Batch.Agents {
		s.sign(&event.Batch.Agents[i])
	}
}

// sign sends an agent's sign of life, unless a newer one was sent already.
func (s *streamer) sign(a *flow.Agent) {
	var before *flow.Agent
	if newest, ok := s.agents[a.Observer]; ok {
		if newest.Time >= a.Time {
			return
		}
		before = &newest
	}
	s.event("agent", agentOf(a, before))
	s.agents[a.Observer] = *a
}

func (s *streamer) event(name string, body any) {
	data, err := json.Marshal(body)
	if err != nil { // wire types always marshal
		panic(err)
	}
	s.raw(name, data)
}

func (s *streamer) raw(name string, data ...[]byte) {
	s.out = append(s.out, "event: "...)
	s.out = append(s.out, name...)
	s.out = append(s.out, "\ndata: "...)
	for _, part := range data {
		s.out = append(s.out, part...)
	}
	s.out = append(s.out, "\n\n"...)
}

// flush writes what has gathered, if anything has.
func (s *streamer) flush() error {
	if s.count > 0 {
		s.raw("flows", []byte(`{"flows":[`), s.flows, []byte("]}"))
		s.flows, s.count = s.flows[:0], 0
	}
	if s.dropped > 0 {
		s.event("dropped", droppedBody{Count: s.dropped})
		s.dropped = 0
	}
	if len(s.out) == 0 {
		return nil
	}
	return s.write()
}

func (s *streamer) write() error {
	extendWrite(s.rc)
	if _, err := s.w.Write(s.out); err != nil {
		return err
	}
	s.out = s.out[:0]
	return s.rc.Flush()
}
