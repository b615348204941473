package document

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestTimesAreAsTheLibraryWritesThem looks at every day that a record can be of.
func TestTimesAreAsTheLibraryWritesThem(t *testing.T) {
	const day = int64(24 * time.Hour)
	for ns := int64(0); ns >= 0; ns += day - 1_000_003 {
		require.Equal(t, time.Unix(0, ns).UTC().Format(time.RFC3339Nano), string(appendTime(nil, ns)))
	}
	for _, ns := range []int64{1, 10, 100_000_000, 120_000_000, 999_999_999, math.MaxInt64} {
		require.Equal(t, time.Unix(0, ns).UTC().Format(time.RFC3339Nano), string(appendTime(nil, ns)))
	}
}
