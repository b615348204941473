package schema

import (
	"fmt"
	"strings"
)

// object is a JSON object. encoding/json writes its keys in alphabetical order, so that
// equal objects are equal bytes.
type object = map[string]any

// mappings is the "mappings" of the documents of a class.
func (m Mapping) mappings(c Class) object {
	root := make(object)
	fields := m.FieldsOf(c)
	for i := range fields {
		if fields[i].Path != ID {
			m.put(root, fields[i].Path, fields[i].definition())
		}
	}
	for i := range fields {
		for _, alias := range fields[i].Aliases {
			m.put(root, alias, object{"type": "alias", "path": fields[i].Path})
		}
	}
	mappings := object{
		"dynamic": false, "date_detection": false, "properties": root,
		"dynamic_templates": []object{{"others": object{
			"match_mapping_type": "string", "mapping": keyword(false),
		}}},
	}
	switch {
	case c == Rejected:
		delete(mappings, "dynamic_templates")
	case m == ECS:
		root[Labels] = object{"type": "object", "dynamic": true}
	}
	return mappings
}

// put adds the definition of the field path to the tree of properties under root. It panics
// where a field would be an object too: the paths are fixed, and a test puts them all.
func (m Mapping) put(root object, path string, definition object) {
	properties := root
	rest := path
	for {
		if m == OTel {
			if name, ok := strings.CutPrefix(rest, "attributes."); ok {
				passThrough(properties, path)[name] = definition
				return
			}
		}
		head, tail, more := strings.Cut(rest, ".")
		child, exists := properties[head].(object)
		switch {
		case !more && exists, more && exists && child["properties"] == nil:
			panic(fmt.Sprintf("field %s is there already, or a part of it is another field", path))
		case !more:
			properties[head] = definition
			return
		case !exists:
			child = object{"properties": make(object)}
			properties[head] = child
		}
		properties, rest = child["properties"].(object), tail
	}
}

// passThrough is the object "attributes" in properties, whose fields are found without its
// name in front. What the record says goes before what the resource does.
func passThrough(properties object, path string) object {
	if properties["attributes"] == nil {
		priority := 20
		if strings.HasPrefix(path, "resource.") {
			priority = 10
		}
		properties["attributes"] = object{"type": "passthrough", "priority": priority, "dynamic": true, "properties": make(object)}
	}
	return properties["attributes"].(object)["properties"].(object)
}

func (f *Field) definition() object {
	switch {
	case f.Stored:
		return object{"type": f.Type, "index": false, "doc_values": false}
	case f.Type == "keyword":
		return keyword(f.Indexed)
	case f.Indexed:
		return object{"type": f.Type}
	default:
		return object{"type": f.Type, "index": false}
	}
}

func keyword(indexed bool) object {
	definition := object{"type": "keyword", "ignore_above": MaxText}
	if !indexed {
		definition["index"] = false
	}
	return definition
}
