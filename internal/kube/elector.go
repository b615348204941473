package kube

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"k8s.io/utils/clock"
	"k8s.io/utils/ptr"
)

// The times of an election are those of Kubernetes' own controllers.
const (
	// leaseTime is how long after its last sign of life a leader is taken for gone.
	leaseTime = 15 * time.Second
	// renewTime is how long a leader goes on without having given one; it has the rest of
	// leaseTime to end what it does.
	renewTime = 10 * time.Second
	// tryTime is between two tries, to lead or to go on leading.
	tryTime = 2 * time.Second
)

// Elector has one of several processes lead, by a Lease of a cluster. It takes the rights to
// create Leases in the namespace, and to get and update that one.
//
// It is a small version of client-go's, which brings the objects of all 56 API groups along:
// an extension that elects by it made the binary 27 MB larger.
type Elector struct {
	client          *rest.RESTClient
	http            *http.Client
	namespace, name string
	identity        string
	clock           clock.Clock

	seen   coordinationv1.LeaseSpec // the Lease, as it last was
	seenAt time.Time                // since when, by our own clock: those of others may be wrong
}

// NewElector returns an Elector that asks for a Lease. An empty namespace is that of the pod
// that the process runs in. It does not connect.
func NewElector(config Config, namespace, name string) (*Elector, error) {
	if namespace == "" {
		const file = "/var/run/secrets/kubernetes.io/serviceaccount/namespace"
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("read the namespace of the pod: %w: name the one of the Lease", err)
		}
		namespace = strings.TrimSpace(string(text))
	}
	cluster, err := config.client()
	if err != nil {
		return nil, err
	}
	http, err := rest.HTTPClientFor(cluster)
	if err != nil {
		return nil, fmt.Errorf("use the cluster's credentials: %w", err)
	}
	client, err := restClient(cluster, http, "/apis", coordinationv1.SchemeGroupVersion)
	if err != nil {
		return nil, err
	}
	host, err := os.Hostname() // of a pod its name
	if err != nil {
		return nil, err
	}
	return &Elector{
		client: client, http: http, namespace: namespace, name: name,
		identity: host + "_" + rand.Text(), clock: clock.RealClock{},
	}, nil
}

// Run calls lead each time this process has been elected, until ctx ends. The context of
// lead ends when the election does; lead has to return within seconds. When Run ends, or
// lead returns, the Lease is free for others at once. It is told of who leads whenever that
// changes, "" being nobody, and of errors; each once.
func (e *Elector) Run(ctx context.Context, lead func(context.Context), told func(leader string, err error)) {
	defer e.http.CloseIdleConnections()
	told = once(told)
	for ctx.Err() == nil {
		leader, err := e.try(ctx)
		if ctx.Err() != nil {
			return
		}
		if leader != e.identity {
			told(leader, err)
			e.wait(ctx)
			continue
		}
		told(leader, nil)
		leading, stop := context.WithCancel(ctx)
		done := make(chan struct{})
		go func() {
			defer close(done)
			lead(leading)
		}()
		err = e.stay(leading, done)
		stop()
		<-done
		e.release()
		if ctx.Err() == nil {
			told("", err)
			e.wait(ctx)
		}
	}
}

// once passes on what is not what it was.
func once(told func(string, error)) func(string, error) {
	var said string
	return func(leader string, err error) {
		if text := fmt.Sprint(leader, "\n", err); text != said {
			said = text
			told(leader, err)
		}
	}
}

func (e *Elector) wait(ctx context.Context) {
	select {
	case <-e.clock.After(tryTime):
	case <-ctx.Done():
	}
}

// stay renews the Lease until that fails for too long, another one has it, done closes or
// ctx ends.
func (e *Elector) stay(ctx context.Context, done <-chan struct{}) error {
	last := e.clock.Now()
	for {
		select {
		case <-e.clock.After(tryTime):
		case <-done:
			return nil
		case <-ctx.Done():
			return nil
		}
		began := e.clock.Now()
		limited, cancel := context.WithTimeout(ctx, renewTime-began.Sub(last)) // the server may be silent
		leader, err := e.try(limited)
		cancel()
		switch {
		case leader == e.identity:
			last = began
		case leader != "":
			return fmt.Errorf("lease %s/%s has been taken by %s", e.namespace, e.name, leader)
		case e.clock.Since(last) >= renewTime-tryTime:
			return fmt.Errorf("could not renew lease %s/%s for %s: %w", e.namespace, e.name, renewTime-tryTime, err)
		}
	}
}

// try takes or renews the Lease, and returns who has it then; "" is unknown.
func (e *Elector) try(ctx context.Context) (leader string, err error) {
	now := metav1.NowMicro()
	ours := coordinationv1.LeaseSpec{
		HolderIdentity: &e.identity, LeaseDurationSeconds: ptr.To(int32(leaseTime.Seconds())), AcquireTime: &now, RenewTime: &now, LeaseTransitions: ptr.To[int32](0),
	}
	var lease coordinationv1.Lease
	err = e.client.Get().MaxRetries(0).Namespace(e.namespace).Resource("leases").Name(e.name).Do(ctx).Into(&lease)
	if apierrors.IsNotFound(err) {
		lease = coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Namespace: e.namespace, Name: e.name}, Spec: ours}
		err = e.client.Post().MaxRetries(0).Namespace(e.namespace).Resource("leases").Body(&lease).Do(ctx).Into(&lease)
		return e.took(&lease, err)
	}
	if err != nil {
		return "", fmt.Errorf("get lease %s/%s: %w", e.namespace, e.name, err)
	}
	e.look(&lease)
	holder := ptr.Deref(e.seen.HolderIdentity, "")
	if holder != "" && holder != e.identity && !e.expired() {
		return holder, nil
	}
	if ours.LeaseTransitions = e.seen.LeaseTransitions; holder == e.identity {
		ours.AcquireTime = e.seen.AcquireTime
	} else {
		ours.LeaseTransitions = ptr.To(ptr.Deref(e.seen.LeaseTransitions, 0) + 1)
	}
	lease.Spec = ours
	return e.took(&lease, e.put(ctx, &lease))
}

// put updates the Lease, if it is still what it was when it was got.
func (e *Elector) put(ctx context.Context, lease *coordinationv1.Lease) error {
	return e.client.Put().MaxRetries(0).Namespace(e.namespace).Resource("leases").Name(e.name).Body(lease).Do(ctx).Into(lease)
}

// took tells what came of a try to have the Lease.
func (e *Elector) took(lease *coordinationv1.Lease, err error) (string, error) {
	if apierrors.IsConflict(err) || apierrors.IsAlreadyExists(err) {
		return "", nil // another one was first
	}
	if err != nil {
		return "", fmt.Errorf("take lease %s/%s: %w", e.namespace, e.name, err)
	}
	e.look(lease)
	return e.identity, nil
}

func (e *Elector) look(lease *coordinationv1.Lease) {
	if e.seenAt.IsZero() || !lease.Spec.RenewTime.Equal(e.seen.RenewTime) || ptr.Deref(lease.Spec.HolderIdentity, "") != ptr.Deref(e.seen.HolderIdentity, "") {
		e.seenAt = e.clock.Now()
	}
	e.seen = lease.Spec
}

func (e *Elector) expired() bool {
	return e.clock.Since(e.seenAt) > time.Duration(ptr.Deref(e.seen.LeaseDurationSeconds, int32(leaseTime.Seconds())))*time.Second
}

// release gives the Lease back, if it is still ours.
func (e *Elector) release() {
	ctx, cancel := context.WithTimeout(context.Background(), tryTime)
	defer cancel()
	var lease coordinationv1.Lease
	if e.client.Get().MaxRetries(0).Namespace(e.namespace).Resource("leases").Name(e.name).Do(ctx).Into(&lease) != nil || ptr.Deref(lease.Spec.HolderIdentity, "") != e.identity {
		return // others wait until it expires
	}
	lease.Spec.HolderIdentity = nil
	_ = e.put(ctx, &lease)
}
