package kube

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
	"weak"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/util/workqueue"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/kube/identity"
)

// intermediate are the controllers of pods that may have a controller themselves, by
// their kind. Any other is the workload.
var intermediate = map[string]struct {
	resource schema.GroupVersionResource
	purpose  string
}{
	"ReplicaSet": {schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "replicasets"}, "owners of replica sets that no Deployment made"},
	"Job":        {schema.GroupVersionResource{Group: "batch", Version: "v1", Resource: "jobs"}, "owners of jobs, such as a CronJob"},
}

// owners tells the workload of each pod. A ReplicaSet that carries the Deployment's hash in
// its name and its pods' labels belongs to that Deployment; the other intermediate
// controllers are looked up one by one, metadata only, when their first pod comes: watching
// all replica sets of a cluster to know the few that matter would cost more than all pods.
type owners struct {
	client metadata.Interface
	// failed is told when the look-ups of a resource begin to fail.
	failed func(error)

	mu sync.Mutex
	// failing holds the resources whose last look-up failed.
	failing map[string]failure
	// known holds the owners that some pod still refers to.
	known map[types.UID]weak.Pointer[identity.Owner]
	queue workqueue.TypedRateLimitingInterface[lookup]
}

// failure is why a resource cannot be looked up, and the look-up that first found out,
// which goes on to ask whether it can be by now: of many, one is enough.
type failure struct {
	of  lookup
	err error
}

// lookup is a controller to be looked up.
type lookup struct {
	namespace, kind, name string
	uid                   types.UID
}

func newOwners(client metadata.Interface, failed func(error)) *owners {
	return &owners{
		client: client, failed: failed, failing: make(map[string]failure), known: make(map[types.UID]weak.Pointer[identity.Owner]),
		queue: workqueue.NewTypedRateLimitingQueue(workqueue.NewTypedItemExponentialFailureRateLimiter[lookup](time.Second, time.Minute)),
	}
}

// of returns the owner of a pod, or nil for one that has none.
func (o *owners) of(p *corev1.Pod) *identity.Owner {
	ref := metav1.GetControllerOf(p)
	switch {
	case p.Annotations[mirrorAnnotation] != "":
		// A static pod: its node calls itself the owner, and adds its name to the pod's.
		owner := new(identity.Owner)
		owner.Learn(workload("Pod", strings.TrimSuffix(p.Name, "-"+p.Spec.NodeName)))
		return owner
	case ref == nil:
		return nil
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if owner := o.known[ref.UID].Value(); owner != nil {
		return owner
	}
	owner := new(identity.Owner)
	o.known[ref.UID] = weak.Make(owner)
	deployment, ok := strings.CutSuffix(ref.Name, "-"+p.Labels["pod-template-hash"])
	group, _, _ := strings.Cut(ref.APIVersion, "/")
	switch found, between := intermediate[ref.Kind]; {
	case !between || found.resource.Group != group:
		owner.Learn(workload(ref.Kind, ref.Name))
	case ref.Kind == "ReplicaSet" && p.Labels["pod-template-hash"] != "" && ok:
		owner.Learn(workload("Deployment", deployment))
	default:
		o.queue.Add(lookup{p.Namespace, ref.Kind, ref.Name, ref.UID})
	}
	return owner
}

func workload(kind, name string) identity.Workload {
	return identity.Workload{Kind: flow.Intern(kind), Name: flow.Intern(name)}
}

// run looks owners up until ctx ends.
func (o *owners) run(ctx context.Context) {
	defer context.AfterFunc(ctx, o.queue.ShutDown)()
	for {
		l, stopped := o.queue.Get()
		if stopped {
			return
		}
		if o.lookUp(ctx, l) {
			o.queue.Forget(l)
		} else if ctx.Err() == nil {
			o.queue.AddRateLimited(l)
		}
		o.queue.Done(l)
	}
}

// lookUp learns the controller of a controller, and reports whether that is done. Of one
// that is gone, or that may not be read, what is known is that it is the pods' owner.
func (o *owners) lookUp(ctx context.Context, l lookup) bool {
	o.mu.Lock()
	owner := o.known[l.uid].Value()
	o.mu.Unlock()
	resource := intermediate[l.kind].resource
	if owner == nil {
		o.settled(resource.Resource, l)
		return true // its pods are gone
	}
	top := workload(l.kind, l.name)
	got, err := o.client.Resource(resource).Namespace(l.namespace).Get(ctx, l.name, metav1.GetOptions{})
	switch {
	case err == nil && got.UID == l.uid:
		if ref := metav1.GetControllerOf(got); ref != nil {
			top = workload(ref.Kind, ref.Name)
		}
	case err == nil || apierrors.IsNotFound(err):
	case ctx.Err() != nil:
		return false // the end of the process is no failure
	case apierrors.IsForbidden(err):
		owner.Learn(top)
		return !o.fails(resource.Resource, l, err)
	default:
		o.fails(resource.Resource, l, err)
		return false
	}
	o.settled(resource.Resource, l)
	owner.Learn(top)
	return true
}

// fails notes that a look-up failed, and reports whether it is the one that goes on to ask.
func (o *owners) fails(resource string, l lookup, err error) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	err = explain("get", resource, err)
	f, known := o.failing[resource]
	if !known {
		f.of = l
		o.failed(err)
	}
	f.err = err
	o.failing[resource] = f
	return f.of == l
}

// settled notes that a look-up asks no more.
func (o *owners) settled(resource string, l lookup) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.failing[resource].of == l {
		delete(o.failing, resource)
	}
}

// failures tells why look-ups fail now, in the order of the resources.
func (o *owners) failures() (errs []error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, resource := range slices.Sorted(maps.Keys(o.failing)) {
		errs = append(errs, o.failing[resource].err)
	}
	return errs
}

// sweep forgets owners without pods.
func (o *owners) sweep() {
	o.mu.Lock()
	defer o.mu.Unlock()
	for uid, owner := range o.known {
		if owner.Value() == nil {
			delete(o.known, uid)
		}
	}
}
