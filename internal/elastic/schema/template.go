package schema

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"
)

// Version is that of the templates. It is raised with every change of what they say, so that
// an older collector does not put back what a newer one has set.
const Version = 1

// priority is that of the index templates: above logs-*-* (100) and logs-*.otel-* (120), which
// come with Elasticsearch, and 200, which integrations use. Templates for one namespace are
// above those for all.
const priority = 250

// IndexMode is how Elasticsearch keeps the documents.
type IndexMode uint8

// The modes. LogsDB takes the least space; without a licence for synthetic source it
// stores the source as well, and still takes less than Standard, which is for servers before 8.17.
const (
	LogsDB IndexMode = iota
	Standard
)

var modeNames = [...]string{LogsDB: "logsdb", Standard: "standard"}

func (m IndexMode) String() string {
	if int(m) < len(modeNames) {
		return modeNames[m]
	}
	return fmt.Sprintf("index mode %d", uint8(m))
}

// Check returns an error unless m is one of the modes.
func (m IndexMode) Check() error {
	if int(m) >= len(modeNames) {
		return fmt.Errorf("unknown %s: use logsdb or standard", m)
	}
	return nil
}

// MarshalText is String.
func (m IndexMode) MarshalText() ([]byte, error) { return []byte(m.String()), m.Check() }

// UnmarshalText is the inverse of String.
func (m *IndexMode) UnmarshalText(text []byte) error {
	for i, name := range modeNames {
		if name == string(text) {
			*m = IndexMode(i)
			return nil
		}
	}
	return fmt.Errorf("unknown index mode %q: use logsdb or standard", text)
}

// Lifecycle says what Elasticsearch itself does with old documents of a class. The zero
// Lifecycle is nothing.
type Lifecycle struct {
	// Retention is how long they are kept at least, in whole hours, by the lifecycle of data
	// streams; 0 is for good.
	Retention time.Duration
	// Policy is the name of a policy of index lifecycle management, which goes before
	// Retention.
	Policy string
}

// Options choose what the templates say.
type Options struct {
	Mapping Mapping
	Mode    IndexMode
	// Namespace restricts the templates to one namespace of data streams; "" is all.
	Namespace string
	// Shards is the number of primary shards, 0 as the server has it by default.
	Shards int
	// Replicas is the number of copies of each shard; nil as the server has it by default.
	Replicas *int
	// Lifecycles are by class; a class that is not there has none.
	Lifecycles map[Class]Lifecycle
}

// Check returns the first thing that is wrong with o.
func (o *Options) Check() error {
	if err := o.Mapping.Check(); err != nil {
		return err
	}
	if err := o.Mode.Check(); err != nil {
		return err
	}
	if o.Namespace != "" {
		if err := CheckNamespace(o.Namespace); err != nil {
			return err
		}
	}
	if o.Shards < 0 {
		return fmt.Errorf("number of shards is %d: want 1 or more, or 0 for the server's default", o.Shards)
	}
	if o.Replicas != nil && *o.Replicas < 0 {
		return fmt.Errorf("number of replicas is %d: want 0 or more", *o.Replicas)
	}
	for _, c := range Classes() {
		if r := o.Lifecycles[c].Retention; r < 0 || r%time.Hour != 0 {
			return fmt.Errorf("retention of %s documents is %s: want whole hours", c, r)
		}
	}
	return nil
}

// Template is a component template or an index template.
type Template struct {
	// Name is its name, Path where it is put and got: /_index_template/NAME or
	// /_component_template/NAME.
	Name, Path string
	// Body is JSON. Its version is Version.
	Body []byte
}

// Templates returns the templates that o asks for, in the order in which they are to be
// put: an index template comes after those that it is composed of. Users may add to an index
// template NAME by a component template NAME@custom, which is never ours.
func Templates(o *Options) ([]Template, error) {
	if err := o.Check(); err != nil {
		return nil, err
	}
	var templates []Template
	add := func(kind, name string, body object) error {
		body["version"] = Version
		body["_meta"] = object{"managed_by": "otelcol-flowlogs", "description": "Flow logs, generated from their registry of attributes. Change NAME@custom, not this."}
		text, err := json.MarshalIndent(body, "", "  ")
		templates = append(templates, Template{Name: name, Path: "/_" + kind + "_template/" + name, Body: text})
		return err
	}
	for _, c := range Classes() {
		parts := []string{o.part(c, "mappings"), o.part(c, "settings")}
		if c != Denied { // which shares the parts of Allowed
			if err := add("component", parts[0], object{"template": object{"mappings": o.Mapping.mappings(c)}}); err != nil {
				return nil, err
			}
			if err := add("component", parts[1], object{"template": object{"settings": o.settings(c)}}); err != nil {
				return nil, err
			}
		}
		if err := add("index", o.name(c), o.index(c, parts)); err != nil {
			return nil, err
		}
	}
	return templates, nil
}

// name is that of a class's index template: the stream's, without a namespace where it is
// for all.
func (o *Options) name(c Class) string {
	name := "logs-" + o.Mapping.Dataset(c)
	if o.Namespace != "" {
		name += "-" + o.Namespace
	}
	return name
}

// part is the name of a component template of a class.
func (o *Options) part(c Class, what string) string {
	if c == Denied {
		c = Allowed
	}
	return o.name(c) + "@" + what
}

// index is the index template of a class, composed of parts.
func (o *Options) index(c Class, parts []string) object {
	custom := o.name(c) + "@custom"
	body := object{
		"index_patterns":                     []string{o.Mapping.Stream(c, "*")},
		"priority":                           priority,
		"data_stream":                        object{},
		"allow_auto_create":                  true,
		"composed_of":                        append(parts, custom),
		"ignore_missing_component_templates": []string{custom},
	}
	if o.Namespace != "" {
		body["index_patterns"], body["priority"] = []string{o.Mapping.Stream(c, o.Namespace)}, priority+10
	}
	switch l := o.Lifecycles[c]; {
	case l.Policy != "":
		body["template"] = object{"settings": object{"index.lifecycle.name": l.Policy}}
	case l.Retention > 0:
		body["template"] = object{"lifecycle": object{"data_retention": hours(l.Retention)}}
	}
	return body
}

func hours(d time.Duration) string {
	const day = 24 * time.Hour
	if d%day == 0 {
		return strconv.Itoa(int(d/day)) + "d"
	}
	return strconv.Itoa(int(d/time.Hour)) + "h"
}

// settings are of the indices of a class.
func (o *Options) settings(c Class) object {
	settings := object{
		"index.mode": o.Mode.String(),
		// Documents are held twice until the log of operations is cut, by default at 10 GB.
		"index.translog.flush_threshold_size": "512mb",
	}
	if o.Mode == Standard {
		settings["index.codec"] = "best_compression" // which logsdb has by itself
	} else {
		settings["index.mapping.total_fields.ignore_dynamic_beyond_limit"] = true // since 8.14
	}
	if c == Allowed || c == Denied {
		settings["index.sort.field"] = o.sort()
	}
	if o.Shards > 0 {
		settings["index.number_of_shards"] = o.Shards
	}
	if o.Replicas != nil {
		settings["index.number_of_replicas"] = *o.Replicas
	}
	return settings
}

// sort is the order of the documents in an index: those of one pair of workloads side by
// side, where what they have in common is kept once.
func (o *Options) sort() []string {
	paths := make(map[string]string)
	for _, f := range o.Mapping.FieldsOf(Allowed) {
		if f.Attribute != nil {
			paths[f.Attribute.Name] = f.Path
		}
	}
	return []string{
		paths["destination.k8s.namespace.name"], paths["destination.k8s.workload.name"],
		paths["source.k8s.namespace.name"], paths["source.k8s.workload.name"],
		paths["destination.port"], "@timestamp",
	}
}
