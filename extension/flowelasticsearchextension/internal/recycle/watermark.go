package recycle

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/request"
)

// watermark is the server's high watermark: how much of a disk is to stay free.
type watermark struct {
	off bool
	// share of the disk, or, if that is 0, bytes.
	share float64
	bytes int64
	// headroom is the most that share may ask for, in bytes; less than 0 is no such bound.
	headroom int64
}

// used is how much of a disk may be used.
func (w watermark) used(total int64) int64 {
	if w.off {
		return total
	}
	free := w.bytes
	if w.share > 0 {
		free = int64(math.Round(w.share * float64(total)))
		if w.headroom >= 0 {
			free = min(free, w.headroom)
		}
	}
	return total - free
}

// watermark reads the settings, which may be transient, persistent or defaults.
func (s server) watermark(ctx context.Context) (watermark, error) {
	const disk = "cluster.routing.allocation.disk."
	var answer struct{ Transient, Persistent, Defaults map[string]any }
	r := request.Request{
		Method: http.MethodGet, Path: "/_cluster/settings", Query: "include_defaults=true&flat_settings=true&filter_path=*.cluster*", // a filter ends at a dot
		What: "get the watermarks of disks", Privilege: monitor,
	}
	if err := request.Do(ctx, s.transport, r, &answer); err != nil {
		return watermark{}, err
	}
	setting := func(name string) string {
		for _, from := range []map[string]any{answer.Transient, answer.Persistent, answer.Defaults} {
			if text, ok := from[disk+name].(string); ok {
				return text
			}
		}
		return ""
	}
	w, err := parseWatermark(setting("watermark.high"), setting("watermark.high.max_headroom"))
	w.off = setting("threshold_enabled") == "false"
	if err != nil {
		return w, fmt.Errorf("%s: %w", r.What, err)
	}
	return w, nil
}

// parseWatermark reads the forms that Elasticsearch takes: 90%, 0.9 or 150gb. There is a
// headroom since 8.5; "" and -1 are none.
func parseWatermark(high, headroom string) (watermark, error) {
	w := watermark{headroom: -1}
	if headroom != "" && headroom != "-1" {
		var err error
		if w.headroom, err = parseBytes(headroom); err != nil {
			return w, err
		}
	}
	text, percent := strings.CutSuffix(high, "%")
	if used, err := strconv.ParseFloat(text, 64); err == nil {
		if percent {
			used /= 100
		}
		if !(used > 0 && used < 1) {
			return w, fmt.Errorf("the high watermark is %q, which is no share of a disk", high)
		}
		w.share = 1 - used
		return w, nil
	}
	var err error
	w.bytes, err = parseBytes(high)
	return w, err
}

// parseBytes reads a size as Elasticsearch writes it: 1kb is 1024.
func parseBytes(text string) (int64, error) {
	lower := strings.ToLower(strings.TrimSpace(text))
	for i, unit := range []string{"b", "kb", "mb", "gb", "tb", "pb"} {
		number, ok := strings.CutSuffix(lower, unit)
		if !ok {
			continue
		}
		n, err := strconv.ParseFloat(number, 64)
		if bytes := math.Ldexp(n, 10*i); err == nil && bytes >= 0 && bytes <= maxBytes {
			return int64(bytes), nil
		}
	}
	return 0, fmt.Errorf("%q is no size such as 150gb", text)
}
