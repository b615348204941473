package reader

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
)

const (
	// agentsPage is how many observers come with one search, each with agentsPerObserver
	// documents, and observersPage how many without.
	agentsPage        = 500
	agentsPerObserver = 2
	observersPage     = 10_000
	// lately is the time in which almost every agent gives several signs of life.
	lately = 5 * time.Minute
)

// Agents implements flowstore.Reader. Signs of life are millions a day, and finding the newest
// of each observer among so many takes Elasticsearch ten times as long as listing the
// observers. So it looks among the latest, and back to since only for those whom it misses
// there: what it returns does not depend on the clock.
func (r *Reader) Agents(ctx context.Context, since int64) ([][]flow.Agent, error) {
	recent := max(since, time.Now().Add(-lately).UnixNano())
	found, err := r.newest(ctx, r.signs(recent))
	if err != nil {
		return nil, err
	}
	if recent > since {
		silent, err := r.silent(ctx, since, found)
		if err != nil {
			return nil, err
		}
		for observer, signs := range silent {
			found[observer] = signs
		}
	}
	agents := make([][]flow.Agent, 0, len(found))
	for _, signs := range found {
		agents = append(agents, signs)
	}
	slices.SortFunc(agents, func(a, b []flow.Agent) int { return flow.CompareObservers(a[0].Observer, b[0].Observer) })
	return agents, nil
}

// signs finds the signs of life since a time.
func (r *Reader) signs(since int64) object {
	return and(r.event(flow.EventAgent), r.since(r.observerPath(flow.EventAgent, "flow.agent.time"), since))
}

// silent are the newest signs of life of those observers who have less of them in found than
// there may be.
func (r *Reader) silent(ctx context.Context, since int64, found map[flow.Observer][]flow.Agent) (map[flow.Observer][]flow.Agent, error) {
	missed := make(map[flow.Observer]bool)
	var hosts []string
	nameless := false // of a host without a name
	err := r.observersOf(ctx, r.signs(since), observersPage, nil, func(o flow.Observer, _ bucket) error {
		if len(found[o]) == agentsPerObserver {
			return nil
		}
		missed[o] = true
		if o.Host.Known() {
			hosts = append(hosts, o.Host.String())
		} else {
			nameless = true
		}
		return nil
	})
	if err != nil || len(missed) == 0 {
		return nil, err
	}
	host := r.observerPath(flow.EventAgent, "host.name")
	of := []object{terms(host, hosts)}
	if nameless {
		of = append(of, not(exists(host)))
	}
	silent, err := r.newest(ctx, and(r.signs(since), or(of...)))
	for o := range silent {
		if !missed[o] { // another of the same host
			delete(silent, o)
		}
	}
	return silent, err
}

// newest are the newest signs of life that a query finds of each observer.
func (r *Reader) newest(ctx context.Context, query object) (map[flow.Observer][]flow.Agent, error) {
	newest := object{"newest": object{"top_hits": object{
		"size": agentsPerObserver, "sort": []object{{r.observerPath(flow.EventAgent, "flow.agent.time"): "desc"}},
	}}}
	agents := make(map[flow.Observer][]flow.Agent)
	err := r.observersOf(ctx, query, agentsPage, newest, func(o flow.Observer, b bucket) error {
		var found struct {
			Hits struct {
				Hits []hit `json:"hits"`
			} `json:"hits"`
		}
		if err := decodeAnswer(b["newest"], &found); err != nil {
			return err
		}
		signs := make([]flow.Agent, len(found.Hits.Hits))
		for i := range signs {
			decode(r, r.agentDecoder, &found.Hits.Hits[i], &signs[i])
		}
		if len(signs) > 0 {
			agents[o] = signs
		}
		return nil
	})
	return agents, err
}

// observersOf calls each with every observer of the documents that a query finds.
func (r *Reader) observersOf(ctx context.Context, query object, page int, aggregations object, each func(flow.Observer, bucket) error) error {
	names := []string{"host.name", "k8s.node.name", "k8s.cluster.name"}
	sources := make([]object, len(names))
	for i, name := range names {
		sources[i] = object{strconv.Itoa(i): object{"terms": object{"field": r.observerPath(flow.EventAgent, name), "missing_bucket": true}}}
	}
	return r.buckets(ctx, r.observers, query, sources, page, aggregations, func(b bucket) error {
		key := b.key()
		var o flow.Observer
		for i, name := range []*flow.Name{&o.Host, &o.Node, &o.Cluster} {
			var text *string
			if err := json.Unmarshal(key[strconv.Itoa(i)], &text); err != nil {
				return fmt.Errorf("%w: %w", errAnswer, err)
			}
			if text != nil {
				*name = flow.Intern(*text)
			}
		}
		return each(o, b)
	})
}
