package resolve

import (
	"sync"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/kube/identity"
)

// namespaces remembers which pod's a network namespace is, from flows whose cgroup names
// the pod: other flows of the namespace, over loopback or of the kernel's own sockets,
// are the same pod's. Inode numbers are used again, so what is remembered counts only while
// that pod is known.
type namespaces struct {
	most int
	mu   sync.RWMutex
	// recent and older are two generations: when recent is full it becomes older.
	recent, older map[namespace]identity.ID
}

type namespace struct {
	observer string
	inode    uint32
}

func (n *namespaces) learn(at namespace, pod identity.ID) {
	if known, ok := n.get(at); ok && known == pod {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.recent == nil || len(n.recent) >= n.most/2 {
		n.recent, n.older = make(map[namespace]identity.ID), n.recent
	}
	n.recent[at] = pod
}

func (n *namespaces) get(at namespace) (identity.ID, bool) {
	n.mu.RLock()
	defer n.mu.RUnlock()
	id, ok := n.recent[at]
	if !ok {
		id, ok = n.older[at]
	}
	return id, ok
}
