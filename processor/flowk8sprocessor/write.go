package flowk8sprocessor

import (
	"slices"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/kube/identity"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/processor/flowk8sprocessor/internal/resolve"
)

// writer adds to one end of a record what was found of it. What is there stays; where it
// says something else, that is noted.
type writer struct {
	attrs    pcommon.Map
	names    *[attributeCount]string
	has      *[attributeCount]bool
	text     *[attributeCount]string
	conflict bool
}

func (w *writer) name(a attribute, n flow.Name) {
	if n.Known() {
		w.str(a, n.String())
	}
}

func (w *writer) str(a attribute, s string) {
	if !w.has[a] {
		w.attrs.PutStr(w.names[a], s)
	} else if w.text[a] != s {
		w.conflict = true
	}
}

// write adds a to the end of the record that r was read from, and returns the reasons that
// the end has then.
func (p *identifier) write(attrs pcommon.Map, r *record, end int, a *resolve.Answer) resolve.Reasons {
	w := writer{attrs: attrs, names: &names[end], has: &r.has[end], text: &r.text[end]}
	if a.Pod != nil {
		p.writePod(&w, a)
	}
	w.name(nodeName, a.Node)
	if !w.has[nodeName] || w.text[nodeName] == a.Node.String() {
		w.name(zone, a.Zone)
	}
	if n := a.Network; n != nil {
		w.name(networkName, n.Name)
		w.name(namespaceName, n.Namespace)
	}
	if s := a.Service.Service; s != nil {
		w.service(s, &a.Service.Port)
	}
	if text := a.Type.String(); a.Type != flow.EndpointUnknown && w.text[endType] != text {
		attrs.PutStr(w.names[endType], text)
	}
	if text := a.Scope.String(); a.Scope != flow.ScopeUnknown && (!w.has[endScope] || p.resolver.Scopes != nil && w.text[endScope] != text) {
		attrs.PutStr(w.names[endScope], text)
	}
	reasons := a.Reasons
	if w.conflict {
		reasons |= resolve.Conflict
	}
	return w.reasons(r.reasons[end], reasons, a)
}

func (p *identifier) writePod(w *writer, a *resolve.Answer) {
	pod := a.Pod
	w.name(namespaceName, pod.Namespace)
	w.str(podName, pod.Name)
	w.str(podUID, pod.UID)
	if !w.has[podPrefix] {
		prefix := pod.Name
		if pod.Prefix.Known() {
			prefix = pod.Prefix.String()
		}
		w.attrs.PutStr(w.names[podPrefix], prefix)
	}
	if pod.Owner == nil {
		w.str(workloadKind, "Pod")
		w.str(workloadName, pod.Name)
	} else {
		workload := pod.Owner.Workload()
		w.name(workloadKind, workload.Kind)
		w.name(workloadName, workload.Name)
	}
	w.name(containerName, a.Container)
	if c := &p.config.PodLabels; c.Enabled && !w.has[podLabels] {
		writeLabels(w.attrs, w.names[podLabels], pod.Labels, c.Names)
	}
	if c := &p.config.NamespaceLabels; c.Enabled && !w.has[namespaceLabels] {
		if labels := p.resolver.Index.NamespaceLabels(pod.Namespace); labels.Known() {
			writeLabels(w.attrs, w.names[namespaceLabels], labels, c.Names)
		}
	}
}

func writeLabels(attrs pcommon.Map, name string, labels flow.Labels, only []string) {
	m := attrs.PutEmptyMap(name)
	m.EnsureCapacity(labels.Len())
	for key, value := range labels.All() {
		if len(only) == 0 || slices.Contains(only, key) {
			m.PutStr(key, value)
		}
	}
}

func (w *writer) service(s *identity.Service, port *identity.ServicePort) {
	if w.has[serviceName] && (w.text[serviceName] != s.Name.String() || w.text[serviceNamespace] != s.Namespace.String()) {
		w.conflict = true
		return // not the port of one service with the name of another
	}
	w.name(serviceName, s.Name)
	w.name(serviceNamespace, s.Namespace)
	w.name(servicePortName, port.Name)
	if port.Port != 0 && !w.has[servicePort] {
		w.attrs.PutInt(w.names[servicePort], int64(port.Port))
	}
}

// reasons joins those of an earlier instance with those of this one; once an end is
// known, it is no longer uncertain for want of time.
func (w *writer) reasons(before, now resolve.Reasons, a *resolve.Answer) resolve.Reasons {
	all := before | now
	if a.Pod != nil && (w.has[containerName] || !a.NewContainer) {
		all = before&^resolve.Transient | now
	}
	switch {
	case all == before:
	case all == 0:
		w.attrs.Remove(w.names[uncertain])
	default:
		list := w.attrs.PutEmptySlice(w.names[uncertain])
		all.Each(func(name string) { list.AppendEmpty().SetStr(name) })
	}
	return all
}
