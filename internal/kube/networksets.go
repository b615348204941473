package kube

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/networks"
)

// discoverEvery is how often a cluster without network sets is asked whether it has them
// by now: one request for each group.
const discoverEvery = retryMax

// calicoVersions are where Calico serves its network sets, in one or in both; the first
// that there is is watched.
var calicoVersions = []schema.GroupVersion{{Group: "projectcalico.org", Version: "v3"}, {Group: "crd.projectcalico.org", Version: "v1"}}

// networkSets are the sets of the cluster.
type networkSets struct {
	mu      sync.Mutex
	version uint64
	of      map[setKey]networks.Network
}

type setKey struct {
	kind            Kind
	namespace, name string
}

// NetworkSets returns the network sets of the cluster, and a number that is another one
// when they are.
func (c *Cluster) NetworkSets() ([]networks.Network, uint64) {
	s := &c.sets
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Collect(maps.Values(s.of)), s.version
}

// NetworkSetsVersion returns the number alone.
func (c *Cluster) NetworkSetsVersion() uint64 {
	c.sets.mu.Lock()
	defer c.sets.mu.Unlock()
	return c.sets.version
}

func (s *networkSets) change(f func(map[setKey]networks.Network)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.of == nil {
		s.of = make(map[setKey]networks.Network)
	}
	f(s.of)
	s.version++
}

// replace makes the sets of a kind those in all.
func (s *networkSets) replace(kind Kind, all map[setKey]networks.Network) {
	s.change(func(of map[setKey]networks.Network) {
		maps.DeleteFunc(of, func(k setKey, _ networks.Network) bool { return k.kind == kind })
		maps.Copy(of, all)
	})
}

// watchNetworkSets watches a kind of network set in whichever group the cluster serves it,
// for as long as it does.
func (c *Cluster) watchNetworkSets(kind Kind, h *health) {
	for c.ctx.Err() == nil {
		gv, err := c.discover(kind)
		switch {
		case err != nil:
			h.note(c.ctx, discovering, err)
		case gv.Empty():
			h.note(c.ctx, discovering, nil)
			h.nothing()
		default:
			c.reflectNetworkSets(gv.WithResource(kind.String()), kind, h)
			c.sets.replace(kind, nil)
			continue
		}
		select {
		case <-c.ctx.Done():
		case <-time.After(discoverEvery):
		}
	}
}

// discover finds the group that serves a kind; an empty one if there is none.
func (c *Cluster) discover(kind Kind) (schema.GroupVersion, error) {
	for _, gv := range calicoVersions {
		body, err := c.clients.core.Get().AbsPath("/apis/"+gv.String()).SetHeader("Accept", runtime.ContentTypeJSON).DoRaw(c.ctx)
		if apierrors.IsNotFound(err) {
			continue
		}
		if err != nil {
			return schema.GroupVersion{}, err
		}
		var list metav1.APIResourceList
		if err := json.Unmarshal(body, &list); err != nil {
			return schema.GroupVersion{}, err
		}
		for _, r := range list.APIResources {
			if r.Name == kind.String() {
				return gv, nil
			}
		}
	}
	return schema.GroupVersion{}, nil
}

// reflectNetworkSets returns when the kind is no longer served, or the cluster stops.
func (c *Cluster) reflectNetworkSets(resource schema.GroupVersionResource, kind Kind, h *health) {
	ctx, cancel := context.WithCancel(c.ctx)
	defer cancel()
	client := c.clients.dynamic.Resource(resource)
	gone := func(err error) {
		if apierrors.IsNotFound(err) {
			cancel()
		}
	}
	from := source{
		func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
			list, err := client.List(ctx, options)
			gone(err)
			return list, err
		},
		func(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
			w, err := client.Watch(ctx, options)
			gone(err)
			return w, err
		},
	}
	type set = *unstructured.Unstructured
	key := func(u set) setKey { return setKey{kind, u.GetNamespace(), u.GetName()} }
	c.reflect(ctx, kind, from, &store[set]{
		convert: func(obj any) (set, bool) { u, ok := obj.(set); return u, ok },
		set: func(u set) {
			c.sets.change(func(of map[setKey]networks.Network) { of[key(u)] = c.networkOf(u) })
		},
		remove: func(u set) {
			c.sets.change(func(of map[setKey]networks.Network) { delete(of, key(u)) })
		},
		replace: func(list []set) {
			all := make(map[setKey]networks.Network, len(list))
			for _, u := range list {
				all[key(u)] = c.networkOf(u)
			}
			c.sets.replace(kind, all)
		},
		listed: h.listed,
	}, h)
}

// networkOf passes over what is no prefix, as Calico itself does.
func (c *Cluster) networkOf(u *unstructured.Unstructured) networks.Network {
	n := networks.Network{Name: flow.Intern(u.GetName()), Namespace: flow.InternKnown(u.GetNamespace())}
	nets, _, err := unstructured.NestedStringSlice(u.Object, "spec", "nets")
	for _, s := range nets {
		prefix, bad := networks.ParsePrefix(s)
		if bad != nil {
			err = bad
			continue
		}
		n.Prefixes = append(n.Prefixes, prefix)
	}
	if err != nil {
		c.logger.Warn("a network set cannot be read whole", zap.String("namespace", u.GetNamespace()), zap.String("name", u.GetName()), zap.Error(err))
	}
	return n
}
