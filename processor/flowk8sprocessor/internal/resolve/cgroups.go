package resolve

import (
	"cmp"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/cgrouppath"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/kube/identity"
)

// cgroups remembers what paths tell, because the same few come again and again.
type cgroups struct{ memory[string, cgroup] }

// cgroup is what a path tells, zero where it does not.
type cgroup struct{ pod, container identity.ID }

func (c *cgroups) of(path string) cgroup {
	if path == "" {
		return cgroup{}
	}
	g, ok := c.get(path)
	if !ok {
		parsed := cgrouppath.Parse(path)
		g = cgroup{identity.IDOf(parsed.PodUID), identity.IDOf(cmp.Or(parsed.PodContainerID, parsed.ContainerID))}
		c.put(path, g)
	}
	return g
}
