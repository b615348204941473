package flow

const (
	outsidePod   = "the end is no pod, or it is not known which"
	outsideNodes = "the end is on no known node"
)

type calicoKubernetes struct{ namespace, pod, prefix, labels string }

// kubernetesFields are of either end.
func kubernetesFields(side string, end func(*Flow) *Endpoint, calico calicoKubernetes) []Field[Flow] {
	name := func(a Attribute, member func(*Kubernetes) *Name) Field[Flow] {
		a.Name, a.Role, a.Elastic = side+a.Name, Dimension, "keyword"
		return ofKubernetes(keyword(a, member), end)
	}
	return inSection(func(f *Flow) bool { return end(f).Kubernetes != nil }, []Field[Flow]{
		name(Attribute{
			Name: ".k8s.namespace.name", Calico: calico.namespace,
			Description: "Namespace of the pod at this end, or of the network set.", Absent: outsidePod,
		}, func(k *Kubernetes) *Name { return &k.Namespace }),
		ofKubernetes(mapping(Attribute{
			Name: side + ".k8s.namespace.labels", Role: Dimension, Merge: MergeIntersect, Elastic: "keyword",
			Description: "Labels of the namespace.", Absent: "not asked for, or " + outsidePod,
		}, func(k *Kubernetes) *Labels { return &k.NamespaceLabels }), end),
		name(Attribute{
			Name: ".k8s.pod.name", Calico: calico.pod, Description: "Pod at this end.", Absent: outsidePod,
		}, func(k *Kubernetes) *Name { return &k.Pod }),
		name(Attribute{
			Name: ".k8s.pod.uid", Description: "UID of the pod.", Absent: outsidePod,
		}, func(k *Kubernetes) *Name { return &k.PodUID }),
		name(Attribute{
			Name: ".k8s.pod.prefix", Calico: calico.prefix,
			Description: "What the names of the pod and its siblings begin with, and an asterisk; the name itself where it was not generated.", Absent: outsidePod,
		}, func(k *Kubernetes) *Name { return &k.PodPrefix }),
		ofKubernetes(mapping(Attribute{
			Name: side + ".k8s.pod.labels", Role: Dimension, Merge: MergeIntersect, Elastic: "keyword", Calico: calico.labels,
			Description: "Labels of the pod when the record was made; none is an empty map.", Absent: "not asked for, or " + outsidePod,
		}, func(k *Kubernetes) *Labels { return &k.PodLabels }), end),
		name(Attribute{
			Name: ".k8s.container.name", Description: "Container of the pod.", Absent: "only the pod is known; " + outsidePod,
		}, func(k *Kubernetes) *Name { return &k.Container }),
		name(Attribute{
			Name: ".k8s.workload.kind", Description: "Kind of the workload: of the controller at the top of the chain of owners, Pod where there is none.", Absent: outsidePod,
		}, func(k *Kubernetes) *Name { return &k.WorkloadKind }),
		name(Attribute{
			Name: ".k8s.workload.name", Description: "Name of the workload.", Absent: outsidePod,
		}, func(k *Kubernetes) *Name { return &k.WorkloadName }),
		name(Attribute{
			Name: ".k8s.node.name", Description: "Node that this end runs on, or is.", Absent: outsideNodes,
		}, func(k *Kubernetes) *Name { return &k.Node }),
		name(Attribute{
			Name: ".cloud.availability_zone", Description: "Zone of the node.", Absent: "the node has none; " + outsideNodes,
		}, func(k *Kubernetes) *Name { return &k.Zone }),
		name(Attribute{
			Name: ".network.name", Description: "Named network or network set that the address lies in, the one with the longest prefix.", Absent: "it lies in none, or a better name is known",
		}, func(k *Kubernetes) *Name { return &k.Network }),
		ofKubernetes(nameSet(Attribute{
			Name: side + ".k8s.uncertain", Role: Dimension, Merge: MergeUnion, Elastic: "keyword",
			Values: []string{
				UncertainAmbiguous, UncertainConflict, UncertainForgotten, UncertainLagging, UncertainNotSynced, UncertainUnavailable,
			},
			Description: "Why the identity of this end may be wrong or short: several could be meant, an earlier observation says something else and was kept, it is too long ago, or the cluster had not told of it yet.",
			Absent:      "all is well",
		}, func(k *Kubernetes) *NameSet { return &k.Uncertain }), end),
	})
}

func inSection(known func(*Flow) bool, fields []Field[Flow]) []Field[Flow] {
	s := &section[Flow]{known}
	for i := range fields {
		fields[i].section = s
	}
	return fields
}

// serviceFields are of the destination only.
func serviceFields() []Field[Flow] {
	const absent = "no service was asked for, or it is not known which"
	destination := func(f *Flow) *Endpoint { return &f.Destination }
	name := func(a Attribute, member func(*Service) *Name) Field[Flow] {
		a.Name, a.Role, a.Elastic, a.Absent = "destination.k8s.service."+a.Name, Dimension, "keyword", absent
		return ofKubernetes(keyword(a, func(k *Kubernetes) *Name { return member(&k.Service) }), destination)
	}
	return inSection(func(f *Flow) bool { return f.Destination.Kubernetes != nil }, []Field[Flow]{
		name(Attribute{Name: "name", Calico: "dest_service_name", Description: "Service that the source asked for."},
			func(s *Service) *Name { return &s.Name }),
		name(Attribute{Name: "namespace", Calico: "dest_service_namespace", Description: "Namespace of the service."},
			func(s *Service) *Name { return &s.Namespace }),
		ofKubernetes(known(Attribute{
			Name: "destination.k8s.service.port", Role: Dimension, Elastic: "integer", Calico: "dest_service_port_num",
			Description: "Port of the service, which may be another than was asked for at a node, and than the pod's.", Absent: absent,
		}, func(k *Kubernetes) *uint16 { return &k.Service.Port }), destination),
		name(Attribute{Name: "port_name", Calico: "dest_service_port", Description: "Name of the port; empty where it has none."},
			func(s *Service) *Name { return &s.PortName }),
	})
}

// ofKubernetes makes a field of an endpoint's Kubernetes one of the flow.
func ofKubernetes(f Field[Kubernetes], end func(*Flow) *Endpoint) Field[Flow] {
	return Field[Flow]{
		Attribute: f.Attribute,
		get:       func(r *Flow) Value { return f.get(end(r).kubernetes()) },
		set:       func(r *Flow, v Value) error { return f.set(end(r).know(), v) },
	}
}
