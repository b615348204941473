package flowaggregationprocessor

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.uber.org/zap"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/processor/flowaggregationprocessor/internal/aggregate"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/processor/flowaggregationprocessor/internal/metadata"
)

const (
	// chunkRecords is how many records the pipeline gets at once: some 4 MB.
	chunkRecords = 2048
	// maxAside is how many records that cannot be merged are kept.
	maxAside = 4096
	// The pipeline is asked again after retryFirst, and then each time after twice as long,
	// up to retryMost. At the end it has lastWait for each chunk.
	retryFirst, retryMost = 200 * time.Millisecond, 30 * time.Second
	lastWait              = 10 * time.Second
)

// sender passes windows on. One goroutine at a time sends.
type sender struct {
	next      consumer.Logs
	telemetry *metadata.Telemetry
	logger    *zap.Logger
	writer    aggregate.Writer
	ids       flow.ID
	losses    []flow.Loss
	// last goes off at the end when the pipeline takes nothing more.
	last atomic.Pointer[time.Timer]

	mu sync.Mutex
	// unmerged are records that go on as they are.
	unmerged plog.Logs
	waiting  int // records in unmerged
}

// aside keeps a record that cannot be merged for the next time that windows are sent.
func (s *sender) aside(rl plog.ResourceLogs, sl plog.ScopeLogs, lr plog.LogRecord) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.waiting >= maxAside {
		s.telemetry.Lost.Add(context.Background(), 1)
		return
	}
	if s.waiting == 0 {
		s.unmerged = plog.NewLogs()
	}
	s.waiting++
	appendRecord(s.unmerged, rl, sl, lr)
}

// idle reports whether there is nothing to send but windows.
func (s *sender) idle() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.waiting == 0 && len(s.losses) == 0
}

// hurry has giveUp called when the pipeline takes nothing for lastWait, until what it
// returns is called.
func (s *sender) hurry(giveUp func()) (stop func()) {
	timer := time.AfterFunc(lastWait, giveUp)
	s.last.Store(timer)
	return func() { timer.Stop() }
}

// sent is what became of what was sent.
type sent struct {
	// refused is how often the pipeline refused something for now, lost how many records it
	// refused for good or had not taken at the end.
	refused, lost int
}

// send passes windows on, and returns when the pipeline has taken or refused for good all
// of them, or the context ends: then what is left is lost.
func (s *sender) send(ctx context.Context, from *aggregate.Aggregator, windows []*aggregate.Window) (result sent) {
	s.mu.Lock()
	unmerged, n := s.unmerged, s.waiting
	s.waiting = 0
	s.mu.Unlock()
	if n > 0 {
		s.deliver(ctx, unmerged, &result)
	}
	s.writer.ID = s.id
	for _, w := range windows {
		for at := 0; at < w.Len(); at += chunkRecords {
			s.deliver(ctx, s.writer.Write(w, at, min(at+chunkRecords, w.Len())), &result)
		}
		w.Count(func(class string, level flow.Level, records int) {
			s.telemetry.Written.Add(ctx, int64(records), metric.WithAttributes(attribute.String("rule", class), attribute.String("level", level.String())))
		})
		from.Done(w)
	}
	if losses := s.losses; len(losses) > 0 {
		s.losses = nil
		s.deliver(ctx, flow.Encode(&flow.Batch{Losses: losses}, s.writer.Now()), &result)
	}
	return result
}

func (s *sender) id() flow.ID {
	s.ids.Counter++
	return s.ids
}

// deliver sends logs until the pipeline takes them, under the same ids: it may have taken
// them when it says that it did not.
func (s *sender) deliver(ctx context.Context, logs plog.Logs, result *sent) {
	for wait := retryFirst; ; wait = min(2*wait, retryMost) {
		err := s.next.ConsumeLogs(ctx, logs)
		if err == nil {
			if last := s.last.Load(); last != nil {
				last.Reset(lastWait)
			}
			return
		}
		var partial consumererror.Logs
		if errors.As(err, &partial) {
			logs = partial.Data() // it took the others
		}
		if consumererror.IsPermanent(err) {
			s.lose(logs, err, result)
			return
		}
		result.refused++
		s.telemetry.Refused.Add(ctx, 1)
		select {
		case <-ctx.Done():
			s.lose(logs, err, result)
			return
		case <-time.After(wait):
		}
	}
}

// lose counts records as lost, and tells of them with what is sent next.
func (s *sender) lose(logs plog.Logs, err error, result *sent) {
	n := logs.LogRecordCount()
	result.lost += n
	s.telemetry.Lost.Add(context.Background(), int64(n))
	s.logger.Error("records are lost", zap.Int("records", n), zap.Error(err))
	batch, _ := flow.Decode(logs)
	if len(batch.Flows) == 0 {
		return
	}
	first := &batch.Flows[0]
	loss := flow.Loss{
		ID: s.id(), Observer: first.Observer, Start: first.Start, End: first.End,
		Stage: flow.StagePipeline, Unit: flow.UnitRecords,
	}
	for i := range batch.Flows {
		f := &batch.Flows[i]
		loss.Start, loss.End = min(loss.Start, f.Start), max(loss.End, f.End)
		if f.Aggregation != nil {
			loss.Count += f.Aggregation.Records
		} else {
			loss.Count++
		}
	}
	s.losses = append(s.losses, loss)
}
