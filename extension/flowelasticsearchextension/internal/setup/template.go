package setup

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/request"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/schema"
)

// digestKey is where a template says what it was made from, so that an option that
// is no longer given makes a difference, too. In the mapping it says of an index
// which templates made it.
const digestKey = "digest"

// template is a template of the schema that tells its digest.
type template struct {
	schema.Template
	leaves map[string]string
}

// object is a JSON object.
type object = map[string]any

// marked returns the templates with their digests, and the one of all.
func marked(options *schema.Options) ([]template, string, error) {
	plain, err := schema.Templates(options)
	if err != nil {
		return nil, "", err
	}
	all := sha256.New()
	for _, t := range plain {
		all.Write(t.Body)
	}
	digest := shorten(all.Sum(nil))
	templates := make([]template, len(plain))
	for i, t := range plain {
		body, err := decode(t.Body)
		if err != nil {
			return nil, "", fmt.Errorf("template %s: %w", t.Name, err)
		}
		if mappings, ok := inner(body, "template", "mappings"); ok {
			meta(mappings)[digestKey] = digest
		}
		own := sha256.Sum256(t.Body)
		meta(body)[digestKey] = shorten(own[:])
		if t.Body, err = json.Marshal(body); err != nil {
			return nil, "", fmt.Errorf("template %s: %w", t.Name, err)
		}
		templates[i] = template{t, leaves(body)}
	}
	return templates, digest, nil
}

func shorten(sum []byte) string { return hex.EncodeToString(sum[:8]) }

// inner returns the object at a path.
func inner(o object, path ...string) (object, bool) {
	for _, key := range path {
		next, ok := o[key].(object)
		if !ok {
			return nil, false
		}
		o = next
	}
	return o, true
}

// meta returns the _meta of o, and makes it if there is none.
func meta(o object) object {
	m, ok := o["_meta"].(object)
	if !ok {
		m = object{}
		o["_meta"] = m
	}
	return m
}

// decode keeps numbers as they are written.
func decode(text []byte) (object, error) {
	var o object
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	return o, d.Decode(&o)
}

// leaves returns the values of an object by their paths. A key with dots is the path
// that the server makes of it, and a number or a boolean the text: settings come back
// as nested objects of strings. Empty objects are left out: the server fills them.
func leaves(o object) map[string]string {
	found := map[string]string{}
	addLeaves(found, "", o)
	return found
}

func addLeaves(found map[string]string, path string, value any) {
	switch v := value.(type) {
	case object:
		for key, value := range v {
			addLeaves(found, path+"."+key, value)
		}
	case []any:
		for i, value := range v {
			addLeaves(found, path+"."+strconv.Itoa(i), value)
		}
		found[path] = strconv.Itoa(len(v))
	default:
		found[path] = fmt.Sprint(v)
	}
}

// state of a template on the server.
type state int

const (
	same      state = iota
	different       // older, not there, or changed
	newer
)

// compare tells how the server's template differs from t, and of a newer one the
// version. What the server or a person has added to it is no difference.
func (s server) compare(ctx context.Context, t template) (state, int, error) {
	var answer struct {
		Component []struct {
			Template json.RawMessage `json:"component_template"`
		} `json:"component_templates"`
		Index []struct {
			Template json.RawMessage `json:"index_template"`
		} `json:"index_templates"`
	}
	err := request.Do(ctx, s.transport, request.Request{Method: http.MethodGet, Path: t.Path, What: "get template " + t.Name, Privilege: manageTemplates}, &answer)
	if request.HasStatus(err, http.StatusNotFound) {
		return different, 0, nil
	}
	if err != nil {
		return 0, 0, err
	}
	var text json.RawMessage
	switch {
	case len(answer.Component) == 1:
		text = answer.Component[0].Template
	case len(answer.Index) == 1:
		text = answer.Index[0].Template
	default:
		return different, 0, nil
	}
	there, err := decode(text)
	if err != nil {
		return 0, 0, fmt.Errorf("get template %s: decode answer: %w", t.Name, err)
	}
	has := leaves(there)
	if version, err := strconv.Atoi(has[".version"]); err == nil && version > schema.Version {
		return newer, version, nil
	}
	for path, want := range t.leaves {
		if got, ok := has[path]; !ok || got != want {
			return different, 0, nil
		}
	}
	return same, 0, nil
}

func (s server) put(ctx context.Context, t template) error {
	return request.Do(ctx, s.transport, request.Request{Method: http.MethodPut, Path: t.Path, Body: t.Body, What: "put template " + t.Name, Privilege: manageTemplates}, nil)
}
