package recycle

import (
	"context"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/extension/flowelasticsearchextension/internal/streams"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/schema"
)

// Scope says which data streams are ours.
type Scope struct {
	Mapping schema.Mapping
	// Namespace of data streams. "" is all but those that have index templates of their own:
	// whoever put these sees to their retention.
	Namespace string
}

// look makes a Picture. Strange are indices of our data streams that are left out, because
// what the server says of them is not what it says of an ordinary backing index.
func (s server) look(ctx context.Context, scope Scope) (p Picture, strange []string, err error) {
	if p.Nodes, p.Now, err = s.nodes(ctx); err != nil {
		return p, nil, err
	}
	high, err := s.watermark(ctx)
	if err != nil {
		return p, nil, err
	}
	for i := range p.Nodes {
		p.Nodes[i].High = high.used(p.Nodes[i].Total)
	}
	found, err := s.find(ctx, scope)
	if err != nil {
		return p, nil, err
	}
	patterns := strings.Join(scope.patterns(), ",")
	settings, err := s.settings(ctx, patterns)
	if err != nil {
		return p, nil, err
	}
	shards, err := s.shards(ctx, patterns)
	if err != nil {
		return p, nil, err
	}
	for _, f := range found {
		stream, odd := describe(f, settings, shards)
		p.Streams = append(p.Streams, stream)
		strange = append(strange, odd...)
	}
	return p, strange, nil
}

func (s *Scope) pattern(c schema.Class) string {
	if s.Namespace == "" {
		return s.Mapping.Stream(c, "*")
	}
	return s.Mapping.Stream(c, s.Namespace)
}

func (s *Scope) patterns() []string {
	var patterns []string
	for _, c := range schema.Classes() {
		patterns = append(patterns, s.pattern(c))
	}
	return patterns
}

// classified is a data stream of a class.
type classified struct {
	streams.Stream
	class schema.Class
}

// find finds the data streams of a scope.
func (s server) find(ctx context.Context, scope Scope) ([]classified, error) {
	var own map[string]bool
	if scope.Namespace == "" {
		var err error
		if own, err = s.templates(ctx, "logs-k8s.*"); err != nil {
			return nil, err
		}
	}
	var found []classified
	for _, class := range schema.Classes() {
		all, err := streams.Find(ctx, s.transport, scope.pattern(class))
		if err != nil {
			return nil, err
		}
		for _, stream := range all {
			// A template for one namespace has the name of the stream.
			if scope.has(class, stream.Name) && !own[stream.Name] {
				found = append(found, classified{stream, class})
			}
		}
	}
	return found, nil
}

// has tells whether a data stream of that name is one of a class.
func (s *Scope) has(c schema.Class, name string) bool {
	namespace, ok := strings.CutPrefix(name, s.Mapping.Stream(c, ""))
	if s.Namespace != "" {
		return ok && namespace == s.Namespace
	}
	return ok && schema.CheckNamespace(namespace) == nil
}

// describe puts together what is known of a data stream.
func describe(f classified, settings map[string]settings, shards map[string][]shard) (s Stream, strange []string) {
	s = Stream{Name: f.Name, Class: f.class}
	written := len(f.Indices) - 1
	var next *Index // which began when this one ended; nil if that is not known
	following := math.MaxInt
	for n := written; n >= 0; n-- {
		name := f.Indices[n]
		generation := generationOf(f.Name, name)
		index, ok := measure(name, settings[name], shards[name])
		if ok = ok && generation >= 0 && generation < following; ok {
			following = generation
		}
		switch {
		case ok && n == written:
			s.Written = index
		case ok && next != nil && !next.Created.Before(index.Created):
			index.Ended = next.Created
			s.Old = append(s.Old, index)
		default:
			strange = append(strange, name)
		}
		next = nil
		if ok {
			next = &index
		}
	}
	slices.Reverse(s.Old)
	return s, strange
}

// generationOf returns that of a backing index, or -1 if it is none of the stream.
func generationOf(stream, index string) int {
	if of, generation, ok := schema.Backing(index); ok && of == stream {
		return generation
	}
	return -1
}

// measure returns what is known of an index, and whether that is all.
func measure(name string, set settings, shards []shard) (Index, bool) {
	index := Index{Name: name, Bytes: map[string]int64{}, Blocked: set.Blocked == "true"}
	created, err := strconv.ParseInt(set.Created, 10, 64)
	if err != nil || created <= 0 || set.Store == "snapshot" || len(shards) == 0 {
		return index, false
	}
	index.Created = time.UnixMilli(created)
	for _, s := range shards {
		if s.Store.Bytes == nil || *s.Store.Bytes < 0 || *s.Store.Bytes > maxBytes/1024 || s.Docs.Count < 0 || s.Routing.Node == "" {
			return index, false
		}
		index.Bytes[s.Routing.Node] += *s.Store.Bytes
		index.Shard = max(index.Shard, *s.Store.Bytes)
		if s.Routing.Primary {
			index.Documents += s.Docs.Count
		}
	}
	return index, true
}
