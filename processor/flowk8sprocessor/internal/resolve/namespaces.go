package resolve

import "github.com/otelcol-flowlogs/otelcol-flowlogs/internal/kube/identity"

// namespaces remembers which pod's a network namespace is, from flows whose cgroup names
// the pod: other flows of the namespace, over loopback or of the kernel's own sockets,
// are the same pod's. Inode numbers are used again, so what is remembered counts only while
// that pod is known.
type namespaces struct {
	memory[namespace, identity.ID]
}

type namespace struct {
	observer string
	inode    uint32
}

func (n *namespaces) learn(at namespace, pod identity.ID) {
	if known, ok := n.get(at); !ok || known != pod {
		n.put(at, pod)
	}
}
