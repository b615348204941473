package flowk8sprocessor

import (
	"context"
	"math"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/processor/flowk8sprocessor/internal/resolve"
)

const (
	nodeAttribute = "k8s.node.name"
	hostAttribute = "host.name"
)

// counts are the ends of a batch, by what came of them.
type counts struct {
	types   [int(flow.EndpointNetwork) + 1]int
	reasons [8]int
}

// identify fills in the ends of every flow record in logs. Unless it is the last chance, it
// moves out those that have to wait; the returned logs are empty if none has.
func (p *identifier) identify(ctx context.Context, logs plog.Logs, last bool) (young plog.Logs) {
	young = plog.NewLogs()
	state := p.stateAt(p.now(), last)
	var n counts
	for _, rl := range logs.ResourceLogs().All() {
		var waitingResource plog.ResourceLogs
		resource, moved := resourceOf(rl.Resource().Attributes()), false
		for _, sl := range rl.ScopeLogs().All() {
			var waitingScope plog.ScopeLogs
			movedScope := false
			sl.LogRecords().RemoveIf(func(lr plog.LogRecord) bool {
				if p.config.Node != "" && resource.node == "" && ofAnAgent(lr.EventName()) {
					rl.Resource().Attributes().PutStr(nodeAttribute, p.config.Node)
					resource.node = p.config.Node
				}
				if lr.EventName() != flow.EventFlow {
					return false
				}
				if !p.identifyRecord(lr, &resource, &state, &n) {
					return false
				}
				if !moved {
					waitingResource, moved = young.ResourceLogs().AppendEmpty(), true
					rl.Resource().CopyTo(waitingResource.Resource())
					waitingResource.SetSchemaUrl(rl.SchemaUrl())
				}
				if !movedScope {
					waitingScope, movedScope = waitingResource.ScopeLogs().AppendEmpty(), true
					sl.Scope().CopyTo(waitingScope.Scope())
					waitingScope.SetSchemaUrl(sl.SchemaUrl())
				}
				lr.MoveTo(waitingScope.LogRecords().AppendEmpty())
				return true
			})
		}
		if moved {
			rl.ScopeLogs().RemoveIf(func(sl plog.ScopeLogs) bool { return sl.LogRecords().Len() == 0 })
		}
	}
	if young.ResourceLogs().Len() > 0 {
		logs.ResourceLogs().RemoveIf(func(rl plog.ResourceLogs) bool { return rl.ScopeLogs().Len() == 0 })
	}
	p.count(ctx, &n)
	return young
}

// ofAnAgent reports whether a record is of one of the kinds that agents send.
func ofAnAgent(event string) bool {
	return event == flow.EventFlow || event == flow.EventLoss || event == flow.EventAgent
}

// observer is who made the records of a resource.
type observer struct{ node, host string }

func resourceOf(attrs pcommon.Map) observer {
	var o observer
	if v, ok := attrs.Get(nodeAttribute); ok {
		o.node = v.Str()
	}
	if v, ok := attrs.Get(hostAttribute); ok {
		o.host = v.Str()
	}
	return o
}

// identifyRecord fills in one record, or reports that it has to wait and leaves it as it is.
func (p *identifier) identifyRecord(lr plog.LogRecord, from *observer, state *resolve.State, n *counts) (wait bool) {
	var r record
	attrs := lr.Attributes()
	r.read(attrs)
	r.bound(int64(lr.Timestamp()))
	r.question.Node, r.question.Host = from.node, from.host
	var answers [2]resolve.Answer
	p.resolver.Resolve(&r.question, state, &answers)
	if answers[resolve.Source].Waiting || answers[resolve.Destination].Waiting {
		return true
	}
	if !r.peerObserved && p.peerReports(&r, &answers) {
		attrs.PutBool(peerObserved, true)
	}
	if room := r.room(&answers); room > 0 {
		attrs.EnsureCapacity(attrs.Len() + room)
	}
	for end := range answers {
		reasons := p.write(attrs, &r, end, &answers[end])
		n.types[answers[end].Type]++
		for i := range n.reasons {
			n.reasons[i] += int(reasons>>i) & 1
		}
	}
	return false
}

// room is how many attributes more there will be, at most: a pod that is new to the record
// has many.
func (r *record) room(answers *[2]resolve.Answer) int {
	const ofPod, ofService = 12, 4
	n := 0
	for end := range answers {
		if answers[end].Pod != nil && !r.has[end][podName] {
			n += ofPod
		}
	}
	if answers[resolve.Destination].Service.Service != nil && !r.has[resolve.Destination][serviceName] {
		n += ofService
	}
	return n
}

// stateAt is the state that a batch is looked at with.
func (p *identifier) stateAt(now time.Time, last bool) resolve.State {
	view := p.view.Load()
	state := resolve.State{Watched: view.watched, Synced: view.podsSynced, Young: math.MaxInt64}
	if !view.failing.IsZero() {
		state.Failing = view.failing.UnixNano()
	}
	state.Horizon = max(now.Add(-p.config.GracePeriod).UnixNano(), view.began.UnixNano())
	if !last && p.config.Wait.Lag > 0 {
		state.Young = now.Add(-p.config.Wait.Lag).UnixNano()
	}
	return state
}

func (p *identifier) count(ctx context.Context, n *counts) {
	for kind, ends := range n.types {
		if ends > 0 {
			name := flow.EndpointType(kind).String()
			if kind == int(flow.EndpointUnknown) {
				name = "unknown"
			}
			p.telemetry.CountEnds(ctx, name, ends)
		}
	}
	for i, ends := range n.reasons {
		if ends > 0 {
			resolve.Reasons(1 << i).Each(func(reason string) { p.telemetry.CountUncertain(ctx, reason, ends) })
		}
	}
}
