package recycle

import (
	"context"
	"errors"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/elastic/go-elasticsearch/v8/esapi"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/extension/flowelasticsearchextension/internal/streams"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/request"
)

// server makes the requests of a round.
type server struct{ transport esapi.Transport }

// What a request needs, to name it where it is missing. The role flowlogs_recycler of
// deploy/elasticsearch/roles.yml has all of it but manage, which servers from 8.0 on do
// not make necessary.
const (
	monitor       = "the cluster privilege monitor"
	seeTemplates  = "the cluster privilege indices:admin/index_template/get, or manage_index_templates"
	monitorIndex  = "the index privilege monitor"
	deleteIndex   = "the index privilege delete_index"
	changeSetting = "the index privilege manage"
)

// maxBytes is more than any disk has; what is said to be larger is not believed.
const maxBytes = 1 << 56

// nodes returns those that hold data, without their high watermark, and the time by the
// clock that is furthest behind: by it indices are youngest.
func (s server) nodes(ctx context.Context) (nodes []Node, now time.Time, err error) {
	var answer struct {
		Nodes map[string]struct {
			Name      string
			Timestamp int64
			Roles     []string
			FS        struct {
				Total struct {
					Total     int64 `json:"total_in_bytes"`
					Available int64 `json:"available_in_bytes"`
				}
			}
		}
	}
	r := request.Request{
		Method: http.MethodGet, Path: "/_nodes/stats/fs",
		Query: "filter_path=nodes.*.name,nodes.*.timestamp,nodes.*.roles,nodes.*.fs.total.total_in_bytes,nodes.*.fs.total.available_in_bytes",
		What:  "measure disks", Privilege: monitor,
	}
	if err := request.Do(ctx, s.transport, r, &answer); err != nil {
		return nil, now, err
	}
	earliest := int64(math.MaxInt64)
	for id, n := range answer.Nodes {
		if !slices.ContainsFunc(n.Roles, func(role string) bool { return strings.HasPrefix(role, "data") }) {
			continue
		}
		earliest = min(earliest, n.Timestamp)
		disk := n.FS.Total
		if disk.Total <= 0 || disk.Total > maxBytes || disk.Available < 0 || disk.Available > disk.Total {
			continue // such as a node that has just begun
		}
		begins := slices.ContainsFunc(n.Roles, func(role string) bool { return role == "data" || role == "data_hot" || role == "data_content" })
		nodes = append(nodes, Node{ID: id, Name: n.Name, Total: disk.Total, Used: disk.Total - disk.Available, Begins: begins})
	}
	if len(nodes) == 0 || earliest <= 0 {
		return nil, now, errors.New(r.What + ": the server names no node with data, its disk and the time")
	}
	slices.SortFunc(nodes, func(a, b Node) int { return strings.Compare(a.ID, b.ID) })
	return nodes, time.UnixMilli(earliest), nil
}

// templates returns the names of index templates of a pattern.
func (s server) templates(ctx context.Context, pattern string) (map[string]bool, error) {
	var answer struct {
		Templates []struct{ Name string } `json:"index_templates"`
	}
	err := request.Do(ctx, s.transport, request.Request{
		Method: http.MethodGet, Path: "/_index_template/" + url.PathEscape(pattern), Query: "filter_path=index_templates.name",
		What: "find templates " + pattern, Privilege: seeTemplates,
	}, &answer)
	if request.HasStatus(err, http.StatusNotFound) {
		err = nil
	}
	names := map[string]bool{}
	for _, t := range answer.Templates {
		names[t.Name] = true
	}
	return names, err
}

// settings are those of an index that matter here.
type settings struct {
	Created string `json:"index.creation_date"` // Unix ms
	Blocked string `json:"index.blocks.read_only_allow_delete"`
	Store   string `json:"index.store.type"` // snapshot if it is a mounted one
}

func (s server) settings(ctx context.Context, patterns string) (map[string]settings, error) {
	var answer map[string]struct{ Settings settings }
	err := request.Do(ctx, s.transport, request.Request{
		Method: http.MethodGet, Path: "/" + patterns + "/_settings/index.creation_date,index.blocks.read_only_allow_delete,index.store.type",
		Query: "flat_settings=true&" + whatever, What: "get settings of the indices", Privilege: streams.ViewMetadata,
	}, &answer)
	found := map[string]settings{}
	for name, index := range answer {
		found[name] = index.Settings
	}
	return found, err
}

// shard is a copy of a part of an index.
type shard struct {
	Routing struct {
		Primary bool
		Node    string
	}
	Docs  struct{ Count int64 }
	Store struct {
		Bytes *int64 `json:"size_in_bytes"`
	}
}

func (s server) shards(ctx context.Context, patterns string) (map[string][]shard, error) {
	const each = "indices.*.shards.*."
	var answer struct {
		Indices map[string]struct{ Shards map[string][]shard }
	}
	err := request.Do(ctx, s.transport, request.Request{
		Method: http.MethodGet, Path: "/" + patterns + "/_stats/store,docs",
		Query: "level=shards&filter_path=" + each + "routing.primary," + each + "routing.node," + each + "docs.count," + each + "store.size_in_bytes&" + whatever,
		What:  "measure the indices", Privilege: monitorIndex,
	}, &answer)
	found := map[string][]shard{}
	for name, index := range answer.Indices {
		for _, copies := range index.Shards {
			found[name] = append(found[name], copies...)
		}
	}
	return found, err
}

// whatever is for requests of several patterns: some may match nothing, and backing
// indices are hidden. Closed ones have no statistics.
const whatever = "ignore_unavailable=true&allow_no_indices=true&expand_wildcards=open,hidden"

// delete deletes an index of a data stream, and tells whether it was there. Whose rights are
// for the data stream has none for an index that is no longer in it.
func (s server) delete(ctx context.Context, stream, index string) (bool, error) {
	err := request.Do(ctx, s.transport, request.Request{
		Method: http.MethodDelete, Path: "/" + url.PathEscape(index), Query: "expand_wildcards=none",
		What: "delete index " + index, Privilege: deleteIndex,
	}, nil)
	switch {
	case request.HasStatus(err, http.StatusNotFound):
		return false, nil // it is as it should be
	case request.HasStatus(err, http.StatusForbidden):
		found, failed := streams.Find(ctx, s.transport, stream)
		there := slices.ContainsFunc(found, func(f streams.Stream) bool { return slices.Contains(f.Indices, index) })
		if failed == nil && !there {
			return false, nil
		}
	}
	return err == nil, err
}

// unblock takes away the block that the server sets when a disk is full, and no other.
func (s server) unblock(ctx context.Context, index string) error {
	return request.Do(ctx, s.transport, request.Request{
		Method: http.MethodPut, Path: "/" + url.PathEscape(index) + "/_settings", Body: []byte(`{"index.blocks.read_only_allow_delete":null}`),
		What: "remove the block of " + index + ", which the server set when the disk was full", Privilege: changeSetting,
	}, nil)
}
