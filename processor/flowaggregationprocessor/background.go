package flowaggregationprocessor

import (
	"sync"

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

// start has metrics ask for the state, and runs a function that returns once ending is
// closed.
func (b *background) start(telemetry *metadata.Telemetry, state func() metadata.State, run func()) (err error) {
	if b.observing, err = telemetry.Observe(state); err != nil {
		return err
	}
	b.wg.Go(run)
	return nil
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
