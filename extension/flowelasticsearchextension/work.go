package flowelasticsearchextension

import (
	"context"
	"math/rand/v2"
	"time"
)

const (
	// After an error the server is asked again after firstWait, and then each time
	// after twice as long, up to lastWait.
	firstWait = time.Second
	lastWait  = 5 * time.Minute
)

// work is what is done again and again. It may be done in several collectors at once: each
// round changes only what differs.
type work interface {
	// round does what there is to do, and tells people. An error is why it could not.
	round(ctx context.Context) error
	// interval is the time between two rounds; 0 is none after a success.
	interval() time.Duration
}

// keep makes rounds until ctx ends.
func (e *flowElasticsearch) keep(ctx context.Context, w work) {
	wait := firstWait
	for {
		err := w.round(ctx)
		if ctx.Err() != nil {
			return
		}
		pause := w.interval()
		if err != nil {
			pause = wait/2 + rand.N(wait) // so that collectors do not ask in step
			wait = min(2*wait, lastWait)
		} else {
			wait = firstWait
			if pause == 0 {
				return
			}
		}
		select {
		case <-e.after(pause):
		case <-ctx.Done():
			return
		}
	}
}
