package document

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
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

// TestTextsOfEveryLengthAreReadBack puts what is escaped at every place of texts of every length
// up to several times eight, behind text that is not to change.
func TestTextsOfEveryLengthAreReadBack(t *testing.T) {
	for length := range 40 {
		for at := range length + 1 {
			for _, c := range []string{"", `"`, `\`, "\n", "\x00", "\x1f", "\x7f", "é", "\xff"} {
				s := strings.Repeat("~", at) + c + strings.Repeat(" ", length-at)
				got := string(appendString([]byte("["), s))
				var back []string
				require.NoError(t, json.Unmarshal([]byte(strings.TrimSuffix(got, ",")+"]"), &back), "%q", s)
				require.Equal(t, []string{strings.ToValidUTF8(s, "\uFFFD")}, back)
			}
		}
	}
}

func TestIntegersAreAsTheLibraryWritesThem(t *testing.T) {
	check := func(n int64) {
		require.Equal(t, "x"+strconv.FormatInt(n, 10)+",", string(appendInteger([]byte("x"), n)))
	}
	check(math.MinInt64)
	check(math.MaxInt64)
	for n := int64(1); n > 0 && n < math.MaxInt64/10; n *= 10 {
		for _, m := range []int64{n - 1, n, n + 1, 9 * n} {
			check(m)
			check(-m)
		}
	}
}
