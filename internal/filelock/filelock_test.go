package filelock

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
)

func TestOneHoldsALock(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	unlock, err := Lock(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Lock(ended, path); !errors.Is(err, context.Canceled) {
		t.Errorf("while it is held: %v, want the end of the wait", err)
	}
	unlock()
	unlock, err = Lock(ended, path)
	if err != nil {
		t.Fatalf("once it is free: %v", err)
	}
	unlock()
}
