package resolve

import "sync"

// memory remembers about the last so many things that it was told, from any number of
// goroutines, in two generations: when recent is full it becomes older.
type memory[K comparable, V any] struct {
	most          int
	mu            sync.RWMutex
	recent, older map[K]V
}

func (m *memory[K, V]) get(k K) (V, bool) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	v, ok := m.recent[k]
	if !ok {
		v, ok = m.older[k]
	}
	return v, ok
}

func (m *memory[K, V]) put(k K, v V) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.recent == nil || len(m.recent) >= m.most/2 {
		m.recent, m.older = make(map[K]V), m.recent
	}
	m.recent[k] = v
}
