package identity

import (
	"math/rand/v2"
	"testing"
	"unsafe"
)

func TestASlotIsACacheLine(t *testing.T) {
	if size := unsafe.Sizeof(slot[*record, *Pod]{}); size != 64 {
		t.Errorf("it has %d bytes", size)
	}
}

// TestLinesAreAsAMap changes a small and crowded table at random and compares it with a
// map.
func TestLinesAreAsAMap(t *testing.T) {
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, seed))
		var table lines[int, struct{}]
		want := make(map[address]int)
		// Few different bytes make many collide within a part.
		keys := make([]address, 1+r.IntN(3000))
		for i := range keys {
			keys[i][15], keys[i][14], keys[i][8] = byte(r.IntN(64)), byte(r.IntN(8)), byte(r.IntN(4))
		}
		for range 20_000 {
			k := keys[r.IntN(len(keys))]
			value := 0
			if r.IntN(3) > 0 {
				value = 1 + r.IntN(100)
			}
			table.change(k, func(before tenure[int, struct{}]) tenure[int, struct{}] {
				if before.holder != want[k] {
					t.Fatalf("seed %d: it had %d, not %d", seed, before.holder, want[k])
				}
				return tenure[int, struct{}]{holder: value}
			})
			if want[k] = value; value == 0 {
				delete(want, k)
			}
		}
		for _, k := range keys {
			found := table.part(k).find(k)
			if value, ok := want[k]; ok != (found != nil) || ok && found.holder != value {
				t.Fatalf("seed %d: it has %v, not %d", seed, found, value)
			}
		}
		if table.len() != len(want) {
			t.Fatalf("seed %d: it holds %d, not %d", seed, table.len(), len(want))
		}
	}
}
