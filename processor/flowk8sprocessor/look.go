package flowk8sprocessor

import (
	"errors"
	"time"

	"go.opentelemetry.io/collector/component/componentstatus"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/kube"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/networks"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/processor/flowk8sprocessor/internal/metadata"
)

// view is how the cluster's watches were doing when they were last looked at.
type view struct {
	// watched is set where there is a cluster.
	watched, settled, podsSynced bool
	// failing is since when pods cannot be watched, began when all had been seen first.
	failing, began time.Time
}

// look takes in how the cluster is doing.
func (p *identifier) look() {
	if p.cluster == nil {
		return
	}
	now := view{watched: true, settled: true, began: p.view.Load().began}
	var failures []error
	for _, s := range p.cluster.Status() {
		now.settled = now.settled && s.Settled()
		if s.Kind == kube.Pods {
			now.podsSynced, now.failing = s.Synced, s.Failing
		}
		if s.Err != nil {
			failures = append(failures, s.Err)
		}
	}
	if now.podsSynced && now.began.IsZero() {
		now.began = p.now()
	}
	p.view.Store(&now)
	if version := p.cluster.NetworkSetsVersion(); version != p.sets {
		list, version := p.cluster.NetworkSets()
		p.networks.Replace(networks.FromCluster, list)
		p.sets = version
	}
	p.lookAtInterfaces()
	p.report(errors.Join(append(failures, p.cluster.OwnerFailures()...)...))
}

// report tells the collector's health what changed.
func (p *identifier) report(failure error) {
	text := ""
	if failure != nil {
		text = failure.Error()
	}
	if text == p.reported {
		return
	}
	p.reported = text
	event := componentstatus.NewEvent(componentstatus.StatusOK)
	if failure != nil {
		event = componentstatus.NewRecoverableErrorEvent(failure)
	}
	componentstatus.ReportStatus(p.host, event)
}

// observed is what the gauges say.
func (p *identifier) observed() metadata.Observed {
	o := metadata.Observed{Waiting: p.waiting.len(), Agents: p.agents.Alive(p.now())}
	if p.cluster == nil {
		return o
	}
	size := p.cluster.Index.Size()
	o.Pods, o.Addresses, o.Ended = size.Pods, size.Addresses, size.Ended
	for _, s := range p.cluster.Status() {
		kind := metadata.Kind{Name: s.Kind.String(), Errors: s.Errors, Lists: s.Lists}
		if !s.Failing.IsZero() {
			kind.Staleness = p.now().Sub(s.Failing).Seconds()
		}
		o.Kinds = append(o.Kinds, kind)
	}
	return o
}
