package flowstore

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
)

// FuzzPlace reads back every place that it prints, and no other text panics or is one.
func FuzzPlace(f *testing.F) {
	f.Add("AQ", int64(-1), uint32(1), uint32(2), uint64(3))
	f.Fuzz(func(t *testing.T, text string, end int64, node, epoch uint32, counter uint64) {
		want := Place{End: end, ID: flow.ID{Node: node, Epoch: epoch, Counter: counter}}
		got, err := want.Cursor().Place()
		require.NoError(t, err)
		require.Equal(t, want, got)
		if got, err := Cursor(text).Place(); err == nil {
			require.Equal(t, Cursor(text), got.Cursor())
		} else {
			require.ErrorIs(t, err, ErrQuery)
		}
	})
}
