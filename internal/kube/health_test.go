package kube

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// collect has the collector of garbage look at weak pointers.
func collect() { runtime.GC() }

func TestHealthTellsWhatChanges(t *testing.T) {
	core, logs := observer.New(zapcore.InfoLevel)
	h := &health{logger: zap.New(core), status: Status{Kind: Pods}}
	denied := apierrors.NewForbidden(schema.GroupResource{Resource: "pods"}, "", errors.New("no role"))
	for range 3 {
		h.note(t.Context(), "list", errors.New("connection refused"))
	}
	s := h.read()
	assert.False(t, s.Settled(), "an API server that is away may come back")
	assert.EqualError(t, s.Err, "list pods: connection refused")
	assert.EqualValues(t, 3, s.Errors)
	assert.WithinDuration(t, time.Now(), s.Failing, time.Minute)

	h.note(t.Context(), "list", denied)
	assert.True(t, h.read().Settled(), "a role does not come by waiting")
	assert.ErrorContains(t, h.read().Err, "list pods: the cluster denies it: allow the collector's account the verb list on pods, as deploy/kubernetes/rbac.yaml does")
	h.note(t.Context(), "watch", apierrors.NewUnauthorized("token expired"))
	assert.ErrorContains(t, h.read().Err, "renew its token or certificate")

	assert.ErrorContains(t, explain(discovering, "networksets", denied), "role system:discovery")

	h.note(t.Context(), "watch", nil)
	h.listed()
	assert.Equal(t, Status{Kind: Pods, Synced: true, Errors: 5, Lists: 1}, h.read())
	assert.Equal(t, 3, logs.Len(), "away, denied, back: %v", logs.All())

	ended, cancel := context.WithCancel(t.Context())
	cancel()
	h.note(ended, "watch", context.Canceled)
	assert.NoError(t, h.read().Err, "the end of the process is no failure")
}

func TestEndingClockWakesSleepers(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	c := endingClock{ctx: ctx}
	long := c.After(time.Hour)
	<-c.After(time.Millisecond)
	cancel()
	<-long
}

func TestCredentialsThatCannotBeRead(t *testing.T) {
	t.Setenv("KUBERNETES_SERVICE_HOST", "")
	_, _, err := Acquire(Config{}, nil, zap.NewNop())
	assert.EqualError(t, err, "this process runs in no pod of a cluster: name a kubeconfig file, or mount the service account's token")
	_, _, err = Acquire(Config{Kubeconfig: t.TempDir() + "/none"}, nil, zap.NewNop())
	assert.ErrorContains(t, err, "read the cluster's credentials")
	assert.Empty(t, shared.clusters)
}
