package reader

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"time"

	"go.uber.org/zap"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/request"
)

// object is a JSON object.
type object = map[string]any

// maxHits is how many documents one answer holds.
const maxHits = 1000

// partial answers would be wrong ones: there is an error instead.
const wholeAnswers = "allow_partial_search_results=false"

// search searches target, which need not exist. Parameters are more of the URL's.
func (r *Reader) search(ctx context.Context, target string, body object, parameters ...string) (*answer, error) {
	path, query := "/_search", wholeAnswers
	if target != "" {
		path, query = "/"+target+path, query+"&ignore_unavailable=true&allow_no_indices=true"
	}
	for _, p := range parameters {
		query += "&" + p
	}
	text, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	req := request.Request{
		Method: http.MethodPost, Path: path, Query: query, Body: text, What: "search flow records", Privilege: "read on the data streams of flow records",
	}
	for pause := firstPause; ; pause *= 2 {
		var found answer
		err := r.do(ctx, req, &found)
		if !beginning(err) || pause > lastPause {
			return &found, err
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// A search that meets an index which has just begun, and of which no shard has started yet,
// is tried again: after firstPause, and then each time after twice as long, up to lastPause.
const (
	firstPause = 50 * time.Millisecond
	lastPause  = 800 * time.Millisecond
)

// beginning reports whether shards were missing, which may be because of that.
func beginning(err error) bool {
	var refused *request.StatusError
	return errors.As(err, &refused) && refused.Status == http.StatusServiceUnavailable && refused.Type == "search_phase_execution_exception"
}

// view is target as it is at one time, for questions that take several searches. A search
// in a view says where in the body.
type view struct {
	reader *Reader
	id     string
}

// viewLife is how long a view stays between two searches.
const viewLife = "1m"

// inView opens a view of target for as long as ask runs. Of no indices there is an empty one.
func (r *Reader) inView(ctx context.Context, target string, ask func(*view) error) error {
	var opened struct {
		ID string `json:"id"`
	}
	err := r.do(ctx, request.Request{
		Method: http.MethodPost, Path: "/" + target + "/_pit", Query: "ignore_unavailable=true&keep_alive=" + viewLife,
		What: "open a point in time", Privilege: "read on the data streams of flow records",
	}, &opened)
	if err != nil {
		return err
	}
	v := &view{r, opened.ID}
	defer v.close(ctx)
	return ask(v)
}

func (v *view) search(ctx context.Context, body object) (*answer, error) {
	body["pit"] = object{"id": v.id, "keep_alive": viewLife}
	found, err := v.reader.search(ctx, "", body)
	if err == nil && found.PIT != "" {
		v.id = found.PIT
	}
	return found, err
}

// close gives the view back, also after the question was given up; otherwise it would end by
// itself.
func (v *view) close(ctx context.Context) {
	const patience = 5 * time.Second
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	body, err := json.Marshal(object{"id": v.id})
	if err == nil {
		err = v.reader.do(ctx, request.Request{Method: http.MethodDelete, Path: "/_pit", Body: body, What: "close a point in time"}, nil)
	}
	if err != nil {
		v.reader.options.Logger.Debug("a point in time stays open for a minute", zap.Error(err))
	}
}

// scan calls each with every document that query finds, in no order. It returns false if
// there are more than most, without having called it for all.
func (v *view) scan(ctx context.Context, query object, most int, each func(*hit)) (complete bool, err error) {
	body := object{
		"size": maxHits, "query": query, "track_total_hits": most + 1,
		"sort": []object{{"_shard_doc": "asc"}},
	}
	for {
		found, err := v.search(ctx, body)
		if err != nil {
			return false, err
		}
		if found.Hits.Total.Value > uint64(most) {
			return false, nil
		}
		for i := range found.Hits.Hits {
			each(&found.Hits.Hits[i])
		}
		n := len(found.Hits.Hits)
		if n < maxHits {
			return true, nil
		}
		body["search_after"] = found.Hits.Hits[n-1].Sort
		body["track_total_hits"] = false
	}
}

// preference is a parameter of a search.
func preference(value string) string { return "preference=" + url.QueryEscape(value) }
