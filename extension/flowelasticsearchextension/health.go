package flowelasticsearchextension

import (
	"errors"
	"sync"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componentstatus"
)

// health is the extension's status: in order where another collector works, and unless one of
// its own works is in trouble. A server that it has not looked at yet is not in order either:
// who waits until a collector is ready waits for the templates.
type health struct {
	host component.Host

	mu       sync.Mutex
	elected  condition
	setup    condition
	recycled condition
}

// condition is how the last round of a work ended.
type condition struct {
	known   bool
	trouble error
}

var (
	errNotElected = errors.New("no collector has been elected to work on Elasticsearch yet")
	errNotSetUp   = errors.New("the templates of Elasticsearch have not been looked at yet")
)

// begin says that the works are this collector's.
func (h *health) begin() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.setup = condition{trouble: errNotSetUp}
	h.report()
}

// note takes how a round ended, and tells whether that is news.
func (h *health) note(c *condition, trouble error) (news bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if c.known && text(c.trouble) == text(trouble) {
		return false
	}
	*c = condition{true, trouble}
	h.report()
	return true
}

// standBy forgets how rounds ended, which another collector makes from now on, or this one
// anew. It takes why none can be elected.
func (h *health) standBy(trouble error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.elected, h.setup, h.recycled = condition{true, trouble}, condition{}, condition{}
	h.report()
}

func (h *health) report() {
	if err := errors.Join(h.elected.trouble, h.setup.trouble, h.recycled.trouble); err != nil {
		componentstatus.ReportStatus(h.host, componentstatus.NewRecoverableErrorEvent(err))
		return
	}
	componentstatus.ReportStatus(h.host, componentstatus.NewEvent(componentstatus.StatusOK))
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
