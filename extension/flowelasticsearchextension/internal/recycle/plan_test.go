package recycle

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/schema"
)

const day = 24 * time.Hour

var now = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

// stream makes a data stream of indices that ended so many days ago, and one that began
// when the last of them ended and is written to; each has as many bytes as size says, on
// node n, and as many documents.
func stream(class schema.Class, size int64, ended ...int) Stream {
	s := Stream{Name: schema.ECS.Stream(class, "default"), Class: class}
	began := now.Add(-1000 * day)
	index := func() Index {
		return Index{Name: fmt.Sprintf(".ds-%s-2026.01.01-%06d", s.Name, len(s.Old)+1), Created: began, Documents: size, Bytes: map[string]int64{"n": size}, Shard: size}
	}
	for _, days := range ended {
		old := index()
		old.Ended = now.Add(-time.Duration(days) * day)
		s.Old = append(s.Old, old)
		began = old.Ended
	}
	s.Written = index()
	return s
}

// node has a disk of 1000 bytes and a high watermark of 90 %.
func node(used int64) Node {
	return Node{ID: "n", Name: "n", Total: 1000, Used: used, High: 900, Begins: true}
}

// words tells a plan in a line a step: what, class, generation, reason.
func words(p Plan) []string {
	var all []string
	for what, steps := range map[string][]Step{"delete": p.Delete, "roll over": p.RollOver} {
		for _, s := range steps {
			all = append(all, fmt.Sprintf("%s %s %d by %s", what, s.Class, generationOf(s.Stream, s.Index.Name), s.Reason))
		}
	}
	return all
}

func TestPlan(t *testing.T) {
	allowed, denied, observer, rejected := schema.Allowed, schema.Denied, schema.Observer, schema.Rejected
	disk := Limits{Start: 0.8, Stop: 0.7}
	for name, test := range map[string]struct {
		limits   Limits
		streams  []Stream
		nodes    []Node
		emptying bool
		want     []string
		short    string
		advice   string
	}{
		"no limits": {streams: []Stream{stream(allowed, 100, 900, 800, 1)}, nodes: []Node{node(990)}},
		"age is that of the youngest document": {
			limits:  Limits{Classes: map[schema.Class]ClassLimits{allowed: {Age: 8 * day}, denied: {Age: 90 * day}}},
			streams: []Stream{stream(allowed, 1, 9, 8, 0), stream(denied, 1, 91, 9, 0)},
			want:    []string{"delete allowed 1 by age", "delete denied 1 by age"},
		},
		"an index ends after an eighth of the retention": {
			limits:  Limits{Classes: map[schema.Class]ClassLimits{allowed: {Age: 8 * day}, denied: {Age: 80 * day}}},
			streams: []Stream{stream(allowed, 1, 2), stream(denied, 1, 9)},
			want:    []string{"roll over allowed 2 by age"},
		},
		"an empty index does not end": {
			limits:  Limits{Classes: map[schema.Class]ClassLimits{allowed: {Age: 8 * day}}},
			streams: []Stream{stream(allowed, 0, 2)},
		},
		"age is up to a policy where there is one": {
			limits:  Limits{Classes: map[schema.Class]ClassLimits{allowed: {Age: 8 * day, Managed: true}}},
			streams: []Stream{stream(allowed, 1, 90, 9, 2)},
		},
		"of what is too much allowed flows go first, and of these the oldest": {
			limits:  Limits{Size: 800},
			streams: []Stream{stream(denied, 100, 300, 200), stream(observer, 100, 300), stream(rejected, 100, 300), stream(allowed, 100, 3, 2, 1)},
			want:    []string{"delete allowed 1 by size", "delete allowed 2 by size", "delete allowed 3 by size"},
		},
		"then denied ones, what agents tell, and rejected documents": {
			limits: Limits{Start: 0.8, Stop: 0.45},
			nodes:  []Node{node(790)}, emptying: true,
			streams: []Stream{stream(rejected, 100, 1), stream(observer, 100, 1), stream(denied, 100, 1), stream(allowed, 50, 1)},
			want:    []string{"delete allowed 1 by disk", "delete denied 1 by disk", "delete observer 1 by disk", "delete rejected 1 by disk"},
		},
		"a class is used up before the next one loses anything": {
			limits:  Limits{Size: 410},
			streams: []Stream{stream(rejected, 100, 1), stream(observer, 100, 1), stream(denied, 100, 1), stream(allowed, 100, 1)},
			want:    []string{"delete allowed 1 by size", "delete denied 1 by size", "roll over allowed 2 by size", "roll over denied 2 by size", "roll over observer 2 by size", "roll over rejected 2 by size"},
		},
		"a class has a budget of its own": {
			limits:  Limits{Classes: map[schema.Class]ClassLimits{denied: {Size: 1000}}},
			streams: []Stream{stream(allowed, 500, 9), stream(denied, 120, 9, 8, 7, 6, 5, 4, 3, 2)},
			want:    []string{"delete denied 1 by size"},
		},
		"no more goes than has to": {limits: Limits{Size: 300}, streams: []Stream{stream(allowed, 10, 9, 8)}},
		"what is to be kept stays, and a person is told": {
			limits:  Limits{Size: 2000, Classes: map[schema.Class]ClassLimits{denied: {Keep: 30 * day}}},
			streams: []Stream{stream(denied, 200, 50, 40, 29, 28, 27, 26, 25, 24, 23, 22, 21, 20)},
			want:    []string{"delete denied 1 by size", "delete denied 2 by size"},
			short:   "flow records take 2200B and are allowed 2000B",
		},
		"what is written to ends if it alone is too much": {
			limits:  Limits{Size: 100},
			streams: []Stream{stream(allowed, 101), stream(denied, 1, 9)},
			want:    []string{"roll over allowed 1 by size"},
		},
		"it does not end if that were not enough": {
			limits:  Limits{Size: 800, Classes: map[schema.Class]ClassLimits{denied: {Keep: 30 * day}}},
			streams: []Stream{stream(allowed, 50), stream(denied, 100, 9, 8, 7, 6, 5, 4, 3, 2, 1)},
			short:   "flow records take 1050B",
		},
		"an index ends at an eighth of the budget": {
			limits:  Limits{Size: 8000},
			streams: []Stream{stream(allowed, 1001), stream(denied, 999)},
			want:    []string{"roll over allowed 1 by size"},
		},
		"an index ends at 30 GiB a shard": {
			streams: []Stream{stream(allowed, 31<<30), stream(denied, 29<<30)},
			want:    []string{"roll over allowed 1 by size"},
		},
		"a disk below its mark":        {limits: disk, nodes: []Node{node(800)}, streams: []Stream{stream(allowed, 90, 3, 2, 1)}},
		"a disk above its mark":        {limits: disk, nodes: []Node{node(801)}, streams: []Stream{stream(allowed, 60, 3, 2, 1)}, want: []string{"delete allowed 1 by disk", "delete allowed 2 by disk"}},
		"a disk that is being emptied": {limits: disk, nodes: []Node{node(701)}, emptying: true, streams: []Stream{stream(allowed, 60, 3, 2, 1)}, want: []string{"delete allowed 1 by disk"}},
		"a disk that has been emptied": {limits: disk, nodes: []Node{node(700)}, emptying: true, streams: []Stream{stream(allowed, 60, 3, 2, 1)}},
		"no index begins above the high watermark": {
			limits:  Limits{Start: 0.8, Stop: 0.7, Size: 100},
			nodes:   []Node{node(950)},
			streams: []Stream{stream(allowed, 90, 300)},
			want:    []string{"delete allowed 1 by size"},
			short:   "on node n 86 % of the disk are used",
		},
		"a disk that others fill": {
			limits:  disk,
			nodes:   []Node{node(890)},
			streams: []Stream{stream(allowed, 10, 9)},
			want:    []string{"delete allowed 1 by disk"},
			short:   "on node n 88 % of the disk are used",
		},
		"a mark above the high watermark": {
			limits:  Limits{Start: 0.95, Stop: 0.9},
			nodes:   []Node{node(860)},
			streams: []Stream{stream(allowed, 60, 3, 2, 1)},
			want:    []string{"delete allowed 1 by disk"},
			advice:  "indices are deleted from 85 % on",
		},
		"a high watermark that no disk can meet": {
			limits:  disk,
			nodes:   []Node{{ID: "n", Name: "n", Total: 1000, Used: 990, High: -5000, Begins: true}},
			streams: []Stream{stream(allowed, 60, 3, 2, 1)},
			short:   "look at its watermarks",
		},
		"a disk that has nothing of ours, and is to have nothing": {
			limits:  disk,
			nodes:   []Node{node(100), {ID: "other", Name: "other", Total: 1000, Used: 990, High: 900}},
			streams: []Stream{stream(allowed, 10, 3, 2, 1)},
		},
	} {
		t.Run(name, func(t *testing.T) {
			picture := Picture{Now: now, Streams: test.streams, Nodes: test.nodes}
			plan := test.limits.Plan(&picture, map[string]bool{"n": test.emptying})
			assert.ElementsMatch(t, test.want, words(plan))
			for got, want := range map[string]string{fmt.Sprint(plan.Short): test.short, fmt.Sprint(plan.Advice): test.advice} {
				if want == "" {
					assert.Equal(t, "[]", got)
				}
				assert.Contains(t, got, want)
			}
		})
	}
}
