package kube

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.uber.org/zap"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// Status is how the watch of a kind is doing.
type Status struct {
	Kind Kind
	// Synced is set once everything that there was has been seen.
	Synced bool
	// Denied is set while the API server refuses the watch for good.
	Denied bool
	// Failing is since when the watch is broken, zero while it is not. What the index
	// holds is as old.
	Failing time.Time
	// Err is why.
	Err error
	// Errors counts the failed requests.
	Errors uint64
	// Lists counts how often all there is was read: at the start, and again after each
	// watch that broke, or expired because the API server had forgotten what was since.
	Lists uint64
}

// Settled reports whether waiting for the kind is of no more use.
func (s Status) Settled() bool { return s.Synced || s.Denied }

// health keeps the Status of one kind. Its methods may be called from anywhere.
type health struct {
	logger *zap.Logger
	mu     sync.Mutex
	status Status
}

func (h *health) read() Status {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.status
}

func (h *health) listed() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.status.Synced = true
	h.status.Lists++
}

// nothing notes that there is nothing of the kind to be seen.
func (h *health) nothing() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.status.Synced = true
}

// note takes in the outcome of a request. It logs when things change, not each time.
func (h *health) note(ctx context.Context, verb string, err error) {
	if ctx.Err() != nil {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	s := &h.status
	if err == nil {
		if s.Err != nil {
			h.logger.Info("the watch works again", zap.Stringer("kind", s.Kind), zap.Duration("after", time.Since(s.Failing)))
		}
		s.Err, s.Failing, s.Denied = nil, time.Time{}, false
		return
	}
	s.Errors++
	denied := apierrors.IsForbidden(err) || apierrors.IsUnauthorized(err)
	if s.Err == nil || denied != s.Denied {
		h.logger.Warn("the cluster cannot be watched: it is tried again, and what is known is used until then", zap.Error(explain(verb, s.Kind.String(), err)))
	}
	if s.Err == nil {
		s.Failing = time.Now()
	}
	s.Err, s.Denied = explain(verb, s.Kind.String(), err), denied
}

// discovering stands for a verb where the API server is asked what it serves.
const discovering = "discover"

// explain names the verb, the resource and the cure.
func explain(verb, resource string, err error) error {
	switch {
	case apierrors.IsForbidden(err) && verb == discovering:
		return fmt.Errorf("%s %s: the cluster denies it: bind the collector's account to the role system:discovery: %w", verb, resource, err)
	case apierrors.IsForbidden(err):
		resource = qualified(resource, err)
		return fmt.Errorf("%s %s: the cluster denies it: allow the collector's account the verb %s on %s, as deploy/kubernetes/rbac.yaml does: %w", verb, resource, verb, resource, err)
	case apierrors.IsUnauthorized(err):
		return fmt.Errorf("%s %s: the cluster does not know the collector's account: renew its token or certificate: %w", verb, resource, err)
	default:
		return fmt.Errorf("%s %s: %w", verb, resource, err)
	}
}

// qualified adds the API group that the answer names.
func qualified(resource string, err error) string {
	var status apierrors.APIStatus
	if errors.As(err, &status) && status.Status().Details != nil && status.Status().Details.Group != "" {
		return resource + "." + status.Status().Details.Group
	}
	return resource
}
