package flowk8sprocessor

import (
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/processor/flowk8sprocessor/internal/resolve"
)

// peerObserved is the attribute by which views count a flow once.
const peerObserved = "flow.peer.observed"

// learnAgents takes in the signs of life in logs: before anything of them waits, for
// flows that came sooner may wait for no longer than these.
func (p *identifier) learnAgents(logs plog.Logs) {
	if p.config.ObservedNodes != NodesSeen {
		return
	}
	for _, rl := range logs.ResourceLogs().All() {
		for _, sl := range rl.ScopeLogs().All() {
			for _, lr := range sl.LogRecords().All() {
				if lr.EventName() != flow.EventAgent {
					continue
				}
				sign, err := flow.DecodeAgent(rl.Resource().Attributes(), lr)
				if err == nil && sign.Observer.Node.Known() { // the exporter refuses others
					p.agents.Learn(&sign, p.now())
				}
			}
		}
	}
}

// peerReports reports whether an agent on another node reports the other end of a flow.
// Between ends on one node that node's agent knows, and has said so.
//
// Where it is not sure the answer is no: that may count a flow twice, but hides none.
func (p *identifier) peerReports(r *record, answers *[2]resolve.Answer) bool {
	q := &r.question
	if p.config.ObservedNodes == NodesNone || q.Node == "" || !flow.ReportedAlike(q.Reporter, r.action) {
		return false
	}
	far := &answers[resolve.Source]
	if q.Reporter == flow.ReporterSource {
		far = &answers[resolve.Destination]
	}
	if !far.Node.Known() || far.Node.String() == q.Node || !p.reportsAsItself(far) {
		return false
	}
	return p.config.ObservedNodes == NodesAll || p.agents.Captured(far.Node.String(), q.Transport, q.Start, q.End)
}

// reportsAsItself reports whether what stands at an end has sockets in the kernel of its
// node, of which an agent there would tell: not a pod with a kernel of its own. A node may
// forward what others send by its own address, of which nobody there has a socket.
func (p *identifier) reportsAsItself(far *resolve.Answer) bool {
	if far.Pod != nil {
		return !far.Pod.OwnKernel
	}
	return far.Type == flow.EndpointHost && p.config.ObservedHosts
}
