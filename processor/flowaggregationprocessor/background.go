package flowaggregationprocessor

import (
	"sync"
	"time"

	"go.opentelemetry.io/otel/metric"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/processor/flowaggregationprocessor/internal/metadata"
)

// background is what goes on between Start and Shutdown.
type background struct {
	observing metric.Registration // from start to stop
	// ending is closed when no more is to begin.
	ending chan struct{}
	end    sync.Once
	wg     sync.WaitGroup
}

// start has metrics ask for the state, and runs functions that return once ending is
// closed.
func (b *background) start(telemetry *metadata.Telemetry, state func() metadata.State, run ...func()) (err error) {
	if b.observing, err = telemetry.Observe(state); err != nil {
		return err
	}
	for _, f := range run {
		b.wg.Go(f)
	}
	return nil
}

// every does something again and again until ending is closed.
func (b *background) every(interval time.Duration, do func()) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-b.ending:
			return
		case <-ticker.C:
			do()
		}
	}
}

// stop returns when what start began has ended, if it has been called.
func (b *background) stop() error {
	b.end.Do(func() { close(b.ending) })
	b.wg.Wait()
	if b.observing == nil {
		return nil
	}
	err := b.observing.Unregister()
	b.observing = nil
	return err
}
