package savedobject

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// The types of saved objects.
const (
	TypeDataView  = "index-pattern"
	TypeSearch    = "search"
	TypeDashboard = "dashboard"
	TypeTag       = "tag"
)

// Object is one saved object.
type Object struct {
	ID         string         `json:"id"`
	Type       string         `json:"type"`
	Attributes map[string]any `json:"attributes"`
	References []Reference    `json:"references"`
	// CoreMigrationVersion and TypeMigrationVersion are those of the Kibana whose form the
	// object has. A newer one migrates it; without them it would run every migration there
	// ever was.
	CoreMigrationVersion string `json:"coreMigrationVersion"`
	TypeMigrationVersion string `json:"typeMigrationVersion"`
	// Managed objects cannot be changed by users.
	Managed bool `json:"managed"`
}

// Reference names another object that the object needs. Ids are nowhere else, so that
// Kibana can give the objects others.
type Reference struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Type string `json:"type"`
}

// migrations are the versions of the forms: the oldest that has what is used.
var migrations = map[string]string{
	TypeDataView: "8.0.0", TypeSearch: "8.0.0", TypeTag: "8.0.0", TypeDashboard: "10.2.0",
}

func newObject(kind, id string, attributes map[string]any, references []Reference) Object {
	if references == nil {
		references = []Reference{}
	}
	return Object{
		ID: id, Type: kind, Attributes: attributes, References: references,
		CoreMigrationVersion: "8.8.0", TypeMigrationVersion: migrations[kind],
	}
}

// NDJSON writes objects one a line, as Kibana's import reads them. Equal objects are equal
// bytes.
func NDJSON(objects []Object) ([]byte, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b) // which ends each value with a newline
	encoder.SetEscapeHTML(false)
	for i := range objects {
		if err := encoder.Encode(&objects[i]); err != nil {
			return nil, fmt.Errorf("encode %s %s: %w", objects[i].Type, objects[i].ID, err)
		}
	}
	return b.Bytes(), nil
}

// object is a JSON object, whose keys are written in alphabetical order.
type object = map[string]any

// text is JSON as a string, which Kibana keeps what it does not index in.
func text(v any) string {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		panic(fmt.Sprintf("encode %v: %v", v, err)) // of strings, numbers and booleans
	}
	return string(bytes.TrimSuffix(b.Bytes(), []byte("\n")))
}

// searchSource is the query of a dashboard or a Discover session.
func searchSource(q Query, more object) object {
	source := object{"query": q.object(), "filter": []any{}}
	for key, value := range more {
		source[key] = value
	}
	return object{"searchSourceJSON": text(source)}
}
