package kube

import (
	"fmt"

	"k8s.io/client-go/tools/cache"
)

// store hands what a reflector brings on to an index, converted; it keeps nothing.
type store[T any] struct {
	convert func(obj any) (T, bool)
	set     func(T)
	remove  func(T)
	replace func([]T)
	listed  func()
	// transform makes objects smaller as soon as they arrive; may be nil.
	transform cache.TransformFunc
}

// Add implements cache.ReflectorStore.
func (s *store[T]) Add(obj any) error { return s.with(obj, s.set) }

// Update implements cache.ReflectorStore.
func (s *store[T]) Update(obj any) error { return s.with(obj, s.set) }

// Delete implements cache.ReflectorStore.
func (s *store[T]) Delete(obj any) error { return s.with(obj, s.remove) }

func (s *store[T]) with(obj any, do func(T)) error {
	v, ok := s.convert(obj)
	if !ok {
		return fmt.Errorf("the API server sent a %T", obj)
	}
	do(v)
	return nil
}

// Replace implements cache.ReflectorStore.
func (s *store[T]) Replace(list []any, _ string) error {
	all := make([]T, 0, len(list))
	for i, obj := range list {
		if v, ok := s.convert(obj); ok {
			all = append(all, v)
		}
		list[i] = nil // converted objects may go at once
	}
	s.replace(all)
	s.listed()
	return nil
}

// Resync implements cache.ReflectorStore.
func (s *store[T]) Resync() error { return nil }

// Transformer implements cache.TransformingStore.
func (s *store[T]) Transformer() cache.TransformFunc { return s.transform }
