package bytesize

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSize(t *testing.T) {
	for text, want := range map[string]Size{
		"0": 0, "4096": 4096, "1B": 1, "2GiB": 2 << 30, "2 gib": 2 << 30, "500MB": 500_000_000, "3kb": 3000, "1TiB": 1 << 40,
	} {
		var got Size
		require.NoError(t, got.UnmarshalText([]byte(text)), text)
		require.Equal(t, want, got, text)
		var again Size
		require.NoError(t, again.UnmarshalText([]byte(got.String())))
		require.Equal(t, want, again)
	}
	for _, text := range []string{"", "B", "GiB", "-1", "1.5GiB", "1 GiB B", "99999999TiB", "1e3"} {
		var got Size
		require.Error(t, got.UnmarshalText([]byte(text)), text)
	}
}
