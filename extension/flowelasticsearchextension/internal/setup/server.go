package setup

import (
	"context"
	"net/http"
	"net/url"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/extension/flowelasticsearchextension/internal/streams"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/request"
)

// digest tells which templates made an index; "" is others than ours.
func (s server) digest(ctx context.Context, index string) (string, error) {
	var answer map[string]struct {
		Mappings struct {
			Meta struct{ Digest string } `json:"_meta"`
		}
	}
	err := request.Do(ctx, s.transport, request.Request{
		Method: http.MethodGet, Path: "/" + url.PathEscape(index) + "/_mapping", Query: "filter_path=*.mappings._meta",
		What: "get mapping of " + index, Privilege: streams.ViewMetadata,
	}, &answer)
	return answer[index].Mappings.Meta.Digest, err
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
