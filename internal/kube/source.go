package kube

import (
	"context"
	"errors"
	"net/http"
	"reflect"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"
)

// clients speak to the API server: two for typed objects, in protobuf, instead of the
// clientset of every group there is.
type clients struct {
	config          *rest.Config
	core, discovery *rest.RESTClient
	metadata        metadata.Interface
	dynamic         dynamic.Interface
	close           func()
}

var (
	scheme     = runtime.NewScheme()
	codecs     = serializer.NewCodecFactory(scheme)
	parameters = runtime.NewParameterCodec(scheme)
)

func init() {
	metav1.AddToGroupVersion(scheme, schema.GroupVersion{Version: "v1"})
	for _, add := range []func(*runtime.Scheme) error{corev1.AddToScheme, coordinationv1.AddToScheme, discoveryv1.AddToScheme} {
		if err := add(scheme); err != nil {
			panic(err) // two types of one name, which is up to this program alone
		}
	}
}

func newClients(config *rest.Config) (*clients, error) {
	http, err := rest.HTTPClientFor(config)
	if err != nil {
		return nil, err
	}
	c := &clients{config: config, close: http.CloseIdleConnections}
	if c.core, err = restClient(config, http, "/api", corev1.SchemeGroupVersion); err != nil {
		return nil, err
	}
	if c.discovery, err = restClient(config, http, "/apis", discoveryv1.SchemeGroupVersion); err != nil {
		return nil, err
	}
	if c.metadata, err = metadata.NewForConfigAndClient(config, http); err != nil {
		return nil, err
	}
	c.dynamic, err = dynamic.NewForConfigAndClient(config, http)
	return c, err
}

// restClient speaks of the objects of one group, in protobuf.
func restClient(config *rest.Config, http *http.Client, path string, gv schema.GroupVersion) (*rest.RESTClient, error) {
	own := rest.CopyConfig(config)
	own.APIPath, own.GroupVersion = path, &gv
	own.NegotiatedSerializer = codecs.WithoutConversion()
	own.ContentType = runtime.ContentTypeProtobuf
	own.AcceptContentTypes = runtime.ContentTypeProtobuf + "," + runtime.ContentTypeJSON
	return rest.RESTClientForConfigAndClient(own, http)
}

// source is where the objects of a kind come from.
type source struct {
	list  func(context.Context, metav1.ListOptions) (runtime.Object, error)
	watch func(context.Context, metav1.ListOptions) (watch.Interface, error)
}

// typed is a source of objects that have a Go type, in all namespaces. A request that
// fails is not tried again here: the reflector does, and has it noted first. The client
// would try ten times, each as long as a server that is silent is waited for.
func typed(client *rest.RESTClient, resource, field, label string) source {
	request := func(options metav1.ListOptions) *rest.Request {
		options.FieldSelector, options.LabelSelector = field, label
		return client.Get().MaxRetries(0).Resource(resource).VersionedParams(&options, parameters)
	}
	return source{
		func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
			return request(options).Do(ctx).Get()
		},
		func(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
			options.Watch = true
			return request(options).Watch(ctx)
		},
	}
}

// of returns the source of a kind; node limits it as Config.Node does.
func (c *clients) of(kind Kind, node string) source {
	switch kind {
	case Pods:
		return typed(c.core, "pods", selector("spec.nodeName", node), "")
	case Nodes:
		return typed(c.core, "nodes", selector("metadata.name", node), "")
	case Services:
		return typed(c.core, "services", "", "")
	case EndpointSlices:
		// The control plane marks those of headless services, which are few.
		return typed(c.discovery, "endpointslices", "", corev1.IsHeadlessService)
	default: // Namespaces
		namespaces := c.metadata.Resource(corev1.SchemeGroupVersion.WithResource("namespaces"))
		return source{
			func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
				return namespaces.List(ctx, o)
			},
			namespaces.Watch,
		}
	}
}

func selector(field, value string) string {
	if value == "" {
		return ""
	}
	return fields.OneTermEqualSelector(field, value).String()
}

// list and watch of a source with its health, as a reflector asks for them.

type watched struct {
	source
	health *health
}

func (w watched) List(options metav1.ListOptions) (runtime.Object, error) {
	return w.ListWithContext(context.Background(), options)
}

func (w watched) Watch(options metav1.ListOptions) (watch.Interface, error) {
	return w.WatchWithContext(context.Background(), options)
}

func (w watched) ListWithContext(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
	obj, err := w.list(ctx, options)
	w.health.note(ctx, "list", err)
	return obj, err
}

func (w watched) WatchWithContext(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
	i, err := w.watch(ctx, options)
	if err == nil && reflect.TypeOf(i) == noWatch {
		err = errors.New("the API server does not answer, or ends the connection")
	}
	w.health.note(ctx, "watch", err)
	return i, err
}

// noWatch is the type of a watch that never began. The client returns one instead of the
// error if a server is silent, or if a connection ends early.
var noWatch = reflect.TypeOf(watch.NewEmptyWatch())
