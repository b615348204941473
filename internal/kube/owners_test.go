package kube

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/metadata/fake"
	clienttesting "k8s.io/client-go/testing"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/kube/identity"
)

// owned is a pod of a controller.
func owned(apiVersion, kind, name string, labels map[string]string) *corev1.Pod {
	return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{
		Name: "p", Namespace: "shop", Labels: labels,
		OwnerReferences: []metav1.OwnerReference{
			{APIVersion: "v1", Kind: "ConfigMap", Name: "no controller", UID: "x"},
			{APIVersion: apiVersion, Kind: kind, Name: name, UID: types.UID("uid of " + name), Controller: new(true)},
		},
	}}
}

func TestWorkloadsThatFollowFromThePod(t *testing.T) {
	hash := map[string]string{"pod-template-hash": "5d8f9c7b6"}
	for name, test := range map[string]struct {
		pod  *corev1.Pod
		want identity.Workload
	}{
		"of a Deployment":              {owned("apps/v1", "ReplicaSet", "web-5d8f9c7b6", hash), workload("Deployment", "web")},
		"of a StatefulSet":             {owned("apps/v1", "StatefulSet", "db", nil), workload("StatefulSet", "db")},
		"of a controller of one's own": {owned("example.com/v1", "Flock", "birds", hash), workload("Flock", "birds")},
		"of another's ReplicaSet":      {owned("example.com/v1", "ReplicaSet", "web-5d8f9c7b6", hash), workload("ReplicaSet", "web-5d8f9c7b6")},
		"to be looked up":              {owned("apps/v1", "ReplicaSet", "web-1", nil), identity.Workload{}},
		"of another hash":              {owned("apps/v1", "ReplicaSet", "web-1", hash), identity.Workload{}},
		"a job, to be looked up":       {owned("batch/v1", "Job", "backup-1", nil), identity.Workload{}},
	} {
		t.Run(name, func(t *testing.T) {
			o := testOwners(t)
			owner := o.of(test.pod)
			assert.Equal(t, test.want, owner.Workload())
			assert.Same(t, owner, o.of(test.pod), "pods of one controller share it")
		})
	}
}

// TestOwnersThatAreLookedUp uses the fake client for what a server seldom does.
func TestOwnersThatAreLookedUp(t *testing.T) {
	scheme := runtime.NewScheme()
	require.NoError(t, metav1.AddMetaToScheme(scheme))
	object := func(apiVersion, kind, name, uid string, owner ...metav1.OwnerReference) *metav1.PartialObjectMetadata {
		return &metav1.PartialObjectMetadata{
			TypeMeta:   metav1.TypeMeta{APIVersion: apiVersion, Kind: kind},
			ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "shop", UID: types.UID(uid), OwnerReferences: owner},
		}
	}
	controller := func(kind, name string) metav1.OwnerReference {
		return metav1.OwnerReference{Kind: kind, Name: name, Controller: new(true)}
	}
	client := fake.NewSimpleMetadataClient(scheme,
		object("batch/v1", "Job", "backup-1", "uid of backup-1", controller("CronJob", "backup")),
		object("apps/v1", "ReplicaSet", "canary-1", "uid of canary-1", controller("Rollout", "canary")),
		object("batch/v1", "Job", "alone", "uid of alone"),
		object("batch/v1", "Job", "again", "of the next of that name", controller("CronJob", "again")))
	tries := 0
	var allowed atomic.Bool
	client.PrependReactor("get", "*", func(action clienttesting.Action) (bool, runtime.Object, error) {
		switch action.(clienttesting.GetAction).GetName() {
		case "denied":
			if allowed.Load() {
				return true, object("batch/v1", "Job", "denied", "uid of denied", controller("CronJob", "permitted")), nil
			}
			return true, nil, apierrors.NewForbidden(schema.GroupResource{Group: "batch", Resource: "jobs"}, "denied", errors.New("no role"))
		case "away":
			if tries++; tries == 1 {
				return true, nil, errors.New("connection refused")
			}
			return true, object("apps/v1", "ReplicaSet", "away", "uid of away", controller("Rollout", "back")), nil
		}
		return false, nil, nil
	})
	var failures []string
	o := newOwners(client, func(err error) { failures = append(failures, err.Error()) })
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); o.run(ctx) }()
	owners := make(map[string]*identity.Owner)
	for name, test := range map[string]struct {
		apiVersion, kind string
		want             identity.Workload
	}{
		"backup-1": {"batch/v1", "Job", workload("CronJob", "backup")},
		"canary-1": {"apps/v1", "ReplicaSet", workload("Rollout", "canary")},
		"alone":    {"batch/v1", "Job", workload("Job", "alone")},
		"again":    {"batch/v1", "Job", workload("Job", "again")},
		"gone":     {"batch/v1", "Job", workload("Job", "gone")},
		"denied":   {"batch/v1", "Job", workload("Job", "denied")},
		"away":     {"apps/v1", "ReplicaSet", workload("Rollout", "back")},
	} {
		owner := o.of(owned(test.apiVersion, test.kind, name, nil))
		require.Eventually(t, func() bool { return owner.Workload() != identity.Workload{} }, 10*time.Second, 10*time.Millisecond, name)
		assert.Equal(t, test.want, owner.Workload(), name)
		owners[name] = owner
	}
	assert.Len(t, o.failures(), 1)
	allowed.Store(true)
	require.Eventually(t, func() bool { return owners["denied"].Workload() == workload("CronJob", "permitted") }, 10*time.Second, 10*time.Millisecond, "it goes on to ask")
	require.Eventually(t, func() bool { return o.failures() == nil }, 10*time.Second, 10*time.Millisecond)
	clear(owners)
	cancel()
	<-done
	text := strings.Join(failures, "\n")
	assert.Contains(t, text, "get jobs.batch: the cluster denies it: allow the collector's account the verb get on jobs.batch, as deploy/kubernetes/rbac.yaml does")
	assert.Contains(t, text, "get replicasets: connection refused")
	for range 100 {
		collect()
		if o.sweep(); len(o.known) == 0 {
			break
		}
	}
	assert.Empty(t, o.known, "owners go with their pods")
}
