package setup

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/request"
)

// stream is a data stream and the index that it writes to.
type stream struct{ name, index string }

// streams finds the data streams of a name or a pattern.
func (s server) streams(ctx context.Context, pattern string) ([]stream, error) {
	var answer struct {
		Streams []struct {
			Name    string
			Indices []string `json:"backing_indices"` // the last one is written to
		} `json:"data_streams"`
	}
	err := request.Do(ctx, s.transport, request.Request{
		Method: http.MethodGet, Path: "/_resolve/index/" + url.PathEscape(pattern),
		What: "find data streams " + pattern, Privilege: viewMetadata,
	}, &answer)
	var refused *request.StatusError
	if errors.As(err, &refused) && refused.Status == http.StatusNotFound {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var streams []stream
	for _, st := range answer.Streams {
		if n := len(st.Indices); n > 0 {
			streams = append(streams, stream{st.Name, st.Indices[n-1]})
		}
	}
	return streams, nil
}

// digest tells which templates made an index; "" is others than ours.
func (s server) digest(ctx context.Context, index string) (string, error) {
	var answer map[string]struct {
		Mappings struct {
			Meta struct{ Digest string } `json:"_meta"`
		}
	}
	err := request.Do(ctx, s.transport, request.Request{
		Method: http.MethodGet, Path: "/" + url.PathEscape(index) + "/_mapping", Query: "filter_path=*.mappings._meta",
		What: "get mapping of " + index, Privilege: viewMetadata,
	}, &answer)
	return answer[index].Mappings.Meta.Digest, err
}

// rollOver has a data stream start a new index, unless the one it has is empty, and
// tells whether it has done so. A lazy rollover, with the next document, would not do:
// when that comes, the disk may be fuller than it was when it was asked for.
func (s server) rollOver(ctx context.Context, name string) (bool, error) {
	var answer struct {
		Done bool `json:"rolled_over"`
	}
	err := request.Do(ctx, s.transport, request.Request{
		Method: http.MethodPost, Path: "/" + url.PathEscape(name) + "/_rollover", Body: []byte(`{"conditions":{"max_docs":1}}`),
		What: "roll over " + name, Privilege: rollover,
	}, &answer)
	return answer.Done, err
}

// nodesOverHighWatermark counts the nodes that take no new index.
func (s server) nodesOverHighWatermark(ctx context.Context) (int, error) {
	var answer struct {
		Indicators struct {
			Disk struct {
				Details struct {
					High  int `json:"nodes_over_high_watermark"`
					Flood int `json:"nodes_over_flood_stage_watermark"`
				}
			}
		}
	}
	err := request.Do(ctx, s.transport, request.Request{Method: http.MethodGet, Path: "/_health_report/disk", What: "get the state of the disks", Privilege: monitor}, &answer)
	d := answer.Indicators.Disk.Details
	return d.High + d.Flood, err
}
