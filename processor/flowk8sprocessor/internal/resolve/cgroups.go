package resolve

import (
	"sync"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/cgrouppath"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/kube/identity"
)

// cgroups remembers what paths tell, because the same few come again and again.
type cgroups struct {
	most int
	mu   sync.RWMutex
	// recent and older are two generations, as in namespaces.
	recent, older map[string]cgroup
}

// cgroup is what a path tells, zero where it does not.
type cgroup struct{ pod, container identity.ID }

func (c *cgroups) of(path string) cgroup {
	if path == "" {
		return cgroup{}
	}
	c.mu.RLock()
	g, ok := c.recent[path]
	if !ok {
		g, ok = c.older[path]
	}
	c.mu.RUnlock()
	if ok {
		return g
	}
	parsed := cgrouppath.Parse(path)
	g = cgroup{identity.IDOf(parsed.PodUID), identity.IDOf(parsed.ContainerID)}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.recent == nil || len(c.recent) >= c.most/2 {
		c.recent, c.older = make(map[string]cgroup), c.recent
	}
	c.recent[path] = g
	return g
}
