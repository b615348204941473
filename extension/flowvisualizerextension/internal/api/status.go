package api

import (
	"context"
	"encoding/json"
	"math"
	"time"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
)

// agentsFor is how long an agent that is silent is told of. A node that is gone does not
// come back, and the store would have to look through all that agents ever said.
const agentsFor = 24 * time.Hour

// status describes the collector, its store and the agents that report to it.
func (h *Handler) status(ctx context.Context, p params) ([]byte, error) {
	stats, err := h.store.Stats(ctx)
	if err != nil {
		return nil, err
	}
	hosts, err := h.store.Agents(ctx, p.now.Add(-agentsFor).UnixNano())
	if err != nil {
		return nil, err
	}
	body := statusBody{
		Product: h.product, Version: h.version, Host: h.host,
		Now: timestamp(p.now.UnixNano()),
		Store: storeBody{
			Kind: stats.Kind, Path: stats.Location,
			SizeBytes: stats.Bytes, MaxSizeBytes: stats.MaxBytes,
			RetentionSeconds: time.Duration(stats.MaxAge).Seconds(),
			Records:          stats.Records,
			Oldest:           timestamp(stats.Oldest), Newest: timestamp(stats.Newest),
		},
		Agents: make([]agentBody, 0, len(hosts)),
	}
	for _, newest := range hosts {
		if len(newest) > 0 {
			body.Agents = append(body.Agents, agentOf(&newest[0], previous(newest)))
		}
	}
	return json.Marshal(body)
}

// previous is the sign of life before the newest one, or nil.
func previous(newest []flow.Agent) *flow.Agent {
	if len(newest) < 2 {
		return nil
	}
	return &newest[1]
}

// agentOf describes an agent by its newest sign of life; before, which may be
// nil, is the one that its use of the processor is measured from.
func agentOf(a, before *flow.Agent) agentBody {
	body := agentBody{
		Host:            a.Observer.Host.String(),
		Node:            a.Observer.Node.String(),
		Cluster:         a.Observer.Cluster.String(),
		Version:         a.Version,
		LastSeen:        timestamp(a.Time),
		Started:         timestamp(a.Started),
		Ended:           a.Ended,
		IntervalSeconds: time.Duration(a.Interval).Seconds(),
		Engines:         make([]engineBody, len(a.Engines)),
		Connections:     a.Connections,
		Records:         a.Records,
		Lost:            a.Lost,
		MemoryBytes:     a.Memory,
	}
	for i, e := range a.Engines {
		body.Engines[i] = engineBody{Name: e.Name, On: e.On, Detail: e.Detail}
	}
	if percent, ok := cpuPercent(a, before); ok {
		body.CPUPercent = &percent
	}
	return body
}

// cpuPercent is the share of one processor that an agent used between two signs
// of life; it is not known across a restart.
func cpuPercent(a, before *flow.Agent) (float64, bool) {
	if before == nil || before.Started != a.Started || before.Time >= a.Time || before.CPUTime > a.CPUTime {
		return 0, false
	}
	percent := 100 * float64(a.CPUTime-before.CPUTime) / float64(a.Time-before.Time)
	return math.Round(percent*100) / 100, true
}
