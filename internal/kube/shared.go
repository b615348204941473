package kube

import (
	"sync"

	"go.uber.org/zap"
)

// shared are the Clusters of this process. They are shared by nature: two components that
// watch the same objects would hold them twice, and ask the API server for them twice.
var shared = struct {
	mu       sync.Mutex
	clusters map[Config]*holding
}{clusters: make(map[Config]*holding)}

type holding struct {
	cluster *Cluster
	holders int
}

// Acquire returns the Cluster of a configuration, which it starts to watch for kinds where
// it is not watched for them yet. It reads the credentials but does not wait for the
// API server. The caller has to call release, once, when it asks no more; with the last
// one the watches end.
func Acquire(config Config, of []Kind, logger *zap.Logger) (cluster *Cluster, release func(), err error) {
	shared.mu.Lock()
	defer shared.mu.Unlock()
	h := shared.clusters[config]
	if h == nil {
		c, err := newCluster(config, logger)
		if err != nil {
			return nil, nil, err
		}
		h = &holding{cluster: c}
		shared.clusters[config] = h
	}
	h.holders++
	h.cluster.watch(of)
	return h.cluster, sync.OnceFunc(func() { h.release(config) }), nil
}

func (h *holding) release(config Config) {
	shared.mu.Lock()
	h.holders--
	last := h.holders == 0
	if last {
		delete(shared.clusters, config)
	}
	shared.mu.Unlock()
	if last {
		h.cluster.stop()
	}
}
