package main

import (
	"context"
	"errors"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/tests/cluster/enforcer/rules"
)

// objects holds what rules follow from, as the API server last had it.
type objects struct {
	pods, namespaces, policies cache.Store
	controllers                []cache.Controller
	// changed has something in it after any change since it was last read.
	changed chan struct{}
}

func newObjects(config *rest.Config) (*objects, error) {
	scheme := runtime.NewScheme()
	metav1.AddToGroupVersion(scheme, schema.GroupVersion{Version: "v1"})
	if err := errors.Join(corev1.AddToScheme(scheme), networkingv1.AddToScheme(scheme)); err != nil {
		return nil, err
	}
	client := func(path string, gv schema.GroupVersion) (*rest.RESTClient, error) {
		own := rest.CopyConfig(config)
		own.APIPath, own.GroupVersion = path, &gv
		own.NegotiatedSerializer = serializer.NewCodecFactory(scheme).WithoutConversion()
		own.ContentType = runtime.ContentTypeProtobuf
		return rest.RESTClientFor(own)
	}
	core, err := client("/api", corev1.SchemeGroupVersion)
	if err != nil {
		return nil, err
	}
	networking, err := client("/apis", networkingv1.SchemeGroupVersion)
	if err != nil {
		return nil, err
	}
	o := &objects{changed: make(chan struct{}, 1)}
	o.pods = o.watch(core, "pods", &corev1.Pod{})
	o.namespaces = o.watch(core, "namespaces", &corev1.Namespace{})
	o.policies = o.watch(networking, "networkpolicies", &networkingv1.NetworkPolicy{})
	return o, nil
}

// watch prepares to follow all objects of a kind.
func (o *objects) watch(client *rest.RESTClient, resource string, kind runtime.Object) cache.Store {
	store, controller := cache.NewInformerWithOptions(cache.InformerOptions{
		ListerWatcher: cache.NewListWatchFromClient(client, resource, metav1.NamespaceAll, fields.Everything()),
		ObjectType:    kind,
		Handler: cache.ResourceEventHandlerFuncs{
			AddFunc:    func(any) { o.note() },
			UpdateFunc: func(any, any) { o.note() },
			DeleteFunc: func(any) { o.note() },
		},
	})
	o.controllers = append(o.controllers, controller)
	return store
}

func (o *objects) note() {
	select {
	case o.changed <- struct{}{}:
	default: // whoever reads it will see this change too
	}
}

// start returns once it knows all there is, and goes on until ctx ends.
func (o *objects) start(ctx context.Context) error {
	var synced []cache.InformerSynced
	for _, c := range o.controllers {
		go c.RunWithContext(ctx)
		synced = append(synced, c.HasSynced)
	}
	if !cache.WaitForCacheSync(ctx.Done(), synced...) {
		return ctx.Err()
	}
	return nil
}

// state is what there is now, as a node sees it.
func (o *objects) state(node string) rules.State {
	return rules.State{
		Node:       node,
		Pods:       all[*corev1.Pod](o.pods),
		Namespaces: all[*corev1.Namespace](o.namespaces),
		Policies:   all[*networkingv1.NetworkPolicy](o.policies),
	}
}

func all[T any](s cache.Store) (objects []T) {
	for _, item := range s.List() {
		objects = append(objects, item.(T))
	}
	return objects
}
