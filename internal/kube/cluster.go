package kube

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/go-logr/logr"
	"go.uber.org/zap"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/kube/identity"
)

const (
	// sweepEvery is how often what ended is looked through.
	sweepEvery = 5 * time.Second
	// retryMin and retryMax bound the time between two tries to reach the API server.
	retryMin, retryMax = 500 * time.Millisecond, 15 * time.Second
)

// Cluster watches one API server, for every component of the process that asks about it.
type Cluster struct {
	// Index is what is known of pods, nodes and services.
	Index *identity.Index

	config  Config
	clients *clients
	owners  *owners
	sets    networkSets
	logger  *zap.Logger

	ctx    context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup

	mu     sync.Mutex
	health [kindCount]*health // nil for a kind that nobody asked for
}

func newCluster(config Config, logger *zap.Logger) (*Cluster, error) {
	rest, err := config.client()
	if err != nil {
		return nil, err
	}
	clients, err := newClients(rest)
	if err != nil {
		return nil, err
	}
	c := &Cluster{Index: identity.NewIndex(config.Grace, time.Now), config: config, clients: clients, logger: logger}
	// client-go logs what Status tells.
	c.ctx, c.cancel = context.WithCancel(klog.NewContext(context.Background(), logr.Discard()))
	c.owners = newOwners(clients.metadata, func(err error) {
		c.logger.Warn("the owners of pods cannot be looked up: their direct controllers are named instead", zap.Error(err))
	})
	c.wg.Go(func() { c.owners.run(c.ctx) })
	c.wg.Go(c.sweep)
	return c, nil
}

// stop ends every watch and waits for it.
func (c *Cluster) stop() {
	c.cancel()
	c.wg.Wait()
	c.clients.close()
}

func (c *Cluster) sweep() {
	wait.UntilWithContext(c.ctx, func(context.Context) {
		c.Index.Sweep()
		c.owners.sweep()
	}, sweepEvery)
}

// watch starts the watches of kinds that are not watched yet.
func (c *Cluster) watch(of []Kind) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, kind := range of {
		if c.health[kind] != nil {
			continue
		}
		h := &health{logger: c.logger, status: Status{Kind: kind}}
		c.health[kind] = h
		c.wg.Go(func() {
			if kind == NetworkSets || kind == GlobalNetworkSets {
				c.watchNetworkSets(kind, h)
			} else {
				c.reflect(c.ctx, kind, c.clients.of(kind, c.config.Node), c.store(kind, h), h)
			}
		})
	}
}

// Status returns how the watch of each kind is doing.
func (c *Cluster) Status() []Status {
	c.mu.Lock()
	defer c.mu.Unlock()
	var all []Status
	for _, h := range c.health {
		if h != nil {
			all = append(all, h.read())
		}
	}
	return all
}

// OwnerFailures tells why the owners of pods cannot be looked up, once for each resource;
// empty while they can.
func (c *Cluster) OwnerFailures() []error { return c.owners.failures() }

// Settled reports whether waiting for any kind is of no more use.
func (c *Cluster) Settled() bool {
	return !slices.ContainsFunc(c.Status(), func(s Status) bool { return !s.Settled() })
}

// reflect keeps store as the source is until ctx ends.
func (c *Cluster) reflect(ctx context.Context, kind Kind, from source, to cache.ReflectorStore, h *health) {
	logger := logr.Discard()
	cache.NewReflectorWithOptions(watched{from, h}, nil, to, cache.ReflectorOptions{
		Logger: &logger, Name: kind.String(), TypeDescription: kind.String(),
		Clock:   endingClock{clock.RealClock{}, ctx},
		Backoff: &wait.Backoff{Duration: retryMin, Factor: 2, Jitter: 0.5, Steps: 6, Cap: retryMax},
	}).RunWithContext(ctx)
}

// endingClock wakes who waits for a time when ctx ends: a reflector that backs off would
// otherwise hold up its end.
type endingClock struct {
	clock.RealClock
	ctx context.Context
}

// After is as time.After, or sooner.
func (e endingClock) After(d time.Duration) <-chan time.Time {
	at := make(chan time.Time, 1)
	wake := sync.OnceFunc(func() { at <- time.Now() })
	ended := context.AfterFunc(e.ctx, wake)
	time.AfterFunc(d, func() {
		ended()
		wake()
	})
	return at
}

// store writes the objects of a kind into the index.
func (c *Cluster) store(kind Kind, h *health) cache.ReflectorStore {
	x := c.Index
	switch kind {
	case Pods:
		return &store[*identity.Pod]{
			convert: func(obj any) (*identity.Pod, bool) {
				p, ok := obj.(*corev1.Pod)
				if !ok {
					return nil, false
				}
				return c.owners.podOf(p, time.Now()), true
			},
			set: x.SetPod, remove: func(p *identity.Pod) { x.SetPod(p); x.DeletePod(p.UID) },
			replace: x.ReplacePods, listed: h.listed, transform: strip,
		}
	case Nodes:
		return &store[*identity.Node]{
			convert: convertWith(nodeOf), set: x.SetNode, remove: func(n *identity.Node) { x.DeleteNode(n.Name) },
			replace: x.ReplaceNodes, listed: h.listed,
		}
	case Services:
		return &store[*identity.Service]{
			convert: convertWith(serviceOf), set: x.SetService,
			remove:  func(s *identity.Service) { x.DeleteService(s.Namespace, s.Name) },
			replace: x.ReplaceServices, listed: h.listed,
		}
	case EndpointSlices:
		return &store[*identity.EndpointSlice]{
			convert: convertWith(endpointSliceOf), set: x.SetEndpointSlice,
			remove:  func(e *identity.EndpointSlice) { x.DeleteEndpointSlice(e.Namespace, e.Name) },
			replace: x.ReplaceEndpointSlices, listed: h.listed,
		}
	default: // Namespaces
		type namespace = *metav1.PartialObjectMetadata
		return &store[namespace]{
			convert: func(obj any) (namespace, bool) { n, ok := obj.(namespace); return n, ok },
			set:     func(n namespace) { x.SetNamespace(n.Name, flow.LabelsOfMap(n.Labels)) },
			remove:  func(n namespace) { x.SetNamespace(n.Name, flow.Labels{}) },
			replace: func(list []namespace) {
				all := make(map[string]flow.Labels, len(list))
				for _, n := range list {
					all[n.Name] = flow.LabelsOfMap(n.Labels)
				}
				x.ReplaceNamespaces(all)
			},
			listed: h.listed,
		}
	}
}

func convertWith[O *corev1.Node | *corev1.Service | *discoveryv1.EndpointSlice, T any](convert func(O) T) func(any) (T, bool) {
	return func(obj any) (v T, ok bool) {
		o, ok := obj.(O)
		if ok {
			v = convert(o)
		}
		return v, ok
	}
}
