package bulk

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/elastic/go-elasticsearch/v8/esapi"
)

// Options are how a Sender sends.
type Options struct {
	Transport esapi.Transport
	// GzipLevel is from 1 to 9, or 0 for bodies as they are.
	GzipLevel int
	// ShardTimeout is how long the server is to wait for a shard that it cannot write to.
	ShardTimeout time.Duration
	Pace         *Pace
	// Observe is told of each request, by any goroutine. It may be nil.
	Observe func(context.Context, *Exchange)
}

// Exchange is a request and its answer.
type Exchange struct {
	// Documents is how many there were, Size what they took, and Sent what the body did, in
	// bytes.
	Documents, Size, Sent int
	// Status is the answer's, 0 if there was none.
	Status int
	// Received is what was read of the answer's body, in bytes.
	Received int64
	Took     time.Duration
	Outcome  Outcome
}

// Outcome is how a request ended.
type Outcome string

// The outcomes: Answered for each document; Split because it was too large; Failed as a
// whole, to be sent again.
const (
	Answered Outcome = "answered"
	Split    Outcome = "split"
	Failed   Outcome = "failed"
)

// Sender sends batches. It is safe for concurrent use.
type Sender struct {
	options Options
	bodies  *bodies
	// old is set once the server has said that it does not know include_source_on_error,
	// which is of 8.18.
	old atomic.Bool
}

// NewSender returns a Sender.
func NewSender(o Options) *Sender { return &Sender{options: o, bodies: newBodies(o.GzipLevel)} }

// Send sends the documents of a batch, in as many requests as it takes, and sets the
// results in it. When ctx ends, what has no answer stays Pending.
func (s *Sender) Send(ctx context.Context, b *Batch) Report {
	var r Report
	for i := range b.entries {
		b.entries[i].Result = Result{}
	}
	s.send(ctx, b, b.entries, &r)
	return r
}

func (s *Sender) send(ctx context.Context, b *Batch, entries []Entry, r *Report) {
	if len(entries) == 0 || r.Down {
		return
	}
	turn, err := s.options.Pace.wait(ctx)
	if err != nil {
		r.Err, r.Down = err, true
		return
	}
	x := Exchange{Documents: len(entries), Size: size(entries)}
	began := time.Now()
	failed := s.exchange(ctx, b, entries, &x)
	x.Took, x.Outcome = time.Since(began), failed.outcome()
	s.options.Pace.done(turn, x.Size, x.Took, loadOf(failed, entries))
	if s.options.Observe != nil {
		s.options.Observe(ctx, &x)
	}
	switch {
	case failed == nil:
		r.add(entries)
	case failed.verdict != TooLarge:
		r.fail(failed)
		for i := range entries {
			if entries[i].Result.Status == 0 {
				entries[i].Result = Result{Verdict: failed.verdict, Status: failed.status, Type: failed.kind, Reason: failed.reason}
			}
		}
	case len(entries) == 1:
		entries[0].Result = Result{Verdict: TooLarge, Status: failed.status, Type: tooLarge,
			Reason: fmt.Sprintf("the server takes no request with a document of %d bytes", x.Size)}
	default:
		s.options.Pace.tooLarge(x.Size)
		first, second := halve(entries)
		s.send(ctx, b, first, r)
		s.send(ctx, b, second, r)
	}
}

// tooLarge is the type of error of a document that no request can hold.
const tooLarge = "content_too_large"

// exchange sends one request and reads the answer.
func (s *Sender) exchange(ctx context.Context, b *Batch, entries []Entry, x *Exchange) *failure {
	body := s.bodies.get(b, entries)
	defer body.release()
	x.Sent = body.text.Len()
	no, yes := false, true
	request := esapi.BulkRequest{
		Body: http.NoBody, RequireDataStream: &yes, Timeout: s.options.ShardTimeout, FilterPath: fields, Header: s.bodies.header.Clone(),
	}
	old := s.old.Load()
	if !old {
		request.IncludeSourceOnError = &no
	}
	response, err := request.Do(ctx, body.through(s.options.Transport))
	if err != nil {
		return &failure{err: fmt.Errorf("send %d documents: %w", len(entries), err)}
	}
	defer response.Body.Close()
	x.Status = response.StatusCode
	counted := &counter{Reader: response.Body, n: &x.Received}
	if response.StatusCode == http.StatusOK {
		if err := readAnswer(counted, entries); err != nil {
			return &failure{err: fmt.Errorf("read the answer about %d documents: %w%s", len(entries), err, foreign(response))}
		}
		return nil
	}
	f := &failure{verdict: ofRequest(response.StatusCode), status: response.StatusCode, after: retryAfter(response.Header)}
	if f.kind, f.reason, err = readError(counted); err != nil {
		f.reason = strings.TrimPrefix(foreign(response), ": ")
	}
	if !old && f.status == http.StatusBadRequest && strings.Contains(f.reason, "include_source_on_error") {
		s.old.Store(true)
		return s.exchange(ctx, b, entries, x)
	}
	return f
}
