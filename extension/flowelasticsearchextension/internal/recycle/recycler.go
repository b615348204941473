package recycle

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/elastic/go-elasticsearch/v8/esapi"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/extension/flowelasticsearchextension/internal/streams"
)

// settling is how long after deletions disks are not judged, in which a round comes only
// after an error: files go a little later than the index.
const settling = 20 * time.Second

// Options say what is recycled, and how.
type Options struct {
	Scope  Scope
	Limits Limits
	// DryRun has rounds look and plan, and change nothing.
	DryRun bool
}

// Recycler recycles one Elasticsearch. Rounds are made one at a time, on any goroutine;
// what others change on the server between or during them does no harm.
type Recycler struct {
	server  server
	options Options

	emptying map[string]bool
	deleted  time.Time       // the last time for the sake of a disk
	blocked  map[string]bool // at the last round
}

// New returns a Recycler.
func New(transport esapi.Transport, options Options) *Recycler {
	return &Recycler{server: server{transport}, options: options}
}

// Result is what a round saw and did.
type Result struct {
	Picture Picture
	Plan    Plan
	// Strange are indices of the data streams that are kept because what the server says of
	// them is not understood.
	Strange []string
	// Deleted and RolledOver are the steps of the plan that were carried out, by this round
	// and nobody else.
	Deleted, RolledOver []Step
	// Unblocked are the indices whose block, of the time when a disk was full, was removed.
	Unblocked []string
}

// Round looks at the server and does what its limits call for. It may be repeated after an
// error; the result is what was seen and done until then. Errors of requests that lack a
// privilege name it.
func (r *Recycler) Round(ctx context.Context) (result Result, err error) {
	if result.Picture, result.Strange, err = r.server.look(ctx, r.options.Scope); err != nil {
		return result, err
	}
	limits := r.options.Limits
	settled := result.Picture.Now.Sub(r.deleted) > settling
	if !settled {
		limits.Start = 0
	}
	result.Plan = limits.Plan(&result.Picture, r.emptying)
	if r.options.DryRun {
		return result, nil
	}
	if settled {
		r.emptying = result.Plan.Emptying
	}
	for _, step := range result.Plan.Delete {
		if step.Reason == ByDisk {
			r.deleted = result.Picture.Now
		}
		done, failed := r.server.delete(ctx, step.Stream, step.Index.Name)
		err = cmp.Or(err, failed) // one that cannot go now, for a snapshot, keeps no other
		if done {
			result.Deleted = append(result.Deleted, step)
		}
	}
	for _, step := range result.Plan.RollOver {
		done, failed := streams.RollOver(ctx, r.server.transport, step.Stream)
		err = cmp.Or(err, failed)
		if done {
			result.RolledOver = append(result.RolledOver, step)
		}
	}
	return result, cmp.Or(err, r.unblock(ctx, &result))
}

// unblock removes blocks that stay when disks have room again: the server does so itself
// from 8.0 on, within less than the time between two rounds.
func (r *Recycler) unblock(ctx context.Context, result *Result) error {
	full := map[string]bool{}
	for _, n := range result.Picture.Nodes {
		full[n.ID] = n.full()
	}
	gone := map[string]bool{}
	for _, step := range result.Plan.Delete {
		gone[step.Index.Name] = true
	}
	before := r.blocked
	r.blocked = map[string]bool{}
	for _, s := range result.Picture.Streams {
		for _, index := range slices.Concat(s.Old, []Index{s.Written}) {
			if !index.Blocked || index.onAny(full) || gone[index.Name] {
				continue
			}
			if r.blocked[index.Name] = true; !before[index.Name] {
				continue
			}
			if err := r.server.unblock(ctx, index.Name); err != nil {
				return err
			}
			result.Unblocked = append(result.Unblocked, index.Name)
		}
	}
	return nil
}
