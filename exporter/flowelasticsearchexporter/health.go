package flowelasticsearchexporter

import (
	"sync"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componentstatus"
)

// health tells the collector when the exporter begins to be unhealthy and when it ends. It
// is safe for concurrent use.
type health struct {
	host component.Host

	mu     sync.Mutex
	failed bool
}

// report takes how the last push went: an error that takes somebody to act, or nil.
func (h *health) report(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case err == nil && h.failed:
		componentstatus.ReportStatus(h.host, componentstatus.NewEvent(componentstatus.StatusOK))
	case err != nil && !h.failed:
		componentstatus.ReportStatus(h.host, componentstatus.NewRecoverableErrorEvent(err))
	}
	h.failed = err != nil
}
