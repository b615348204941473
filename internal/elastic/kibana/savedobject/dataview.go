package savedobject

// DataView is a set of data streams and what is known of their fields.
type DataView struct {
	ID string
	// Pattern names the streams, with asterisks and commas; Name is what people see.
	Pattern, Name string
	// Formats, Labels and Descriptions are by the names of fields.
	Formats              map[string]Format
	Labels, Descriptions map[string]string
}

// Format is how the values of a field are shown.
type Format struct {
	ID     string         `json:"id"`
	Params map[string]any `json:"params,omitempty"`
}

// Bytes are shown in multiples of 1024.
var Bytes = Format{ID: "bytes", Params: object{"pattern": "0,0.[0]b"}}

// Count shows whole numbers with separators, Plain without: ports and ids are no amounts.
var (
	Count = Format{ID: "number", Params: object{"pattern": "0,0"}}
	Plain = Format{ID: "number", Params: object{"pattern": "0"}}
)

// Duration shows what is counted in "microseconds" or "nanoseconds" in the unit that fits.
func Duration(unit string) Format {
	return Format{ID: "duration", Params: object{
		"inputFormat": unit, "outputFormat": "humanizePrecise", "outputPrecision": 1, "showSuffix": true, "useShortSuffix": true,
	}}
}

// maxDescription is how many characters Kibana has room for.
const maxDescription = 300

// Object is the data view as saved object.
func (v *DataView) Object() Object {
	attributes := object{}
	of := func(name string) object {
		if attributes[name] == nil {
			attributes[name] = object{}
		}
		return attributes[name].(object)
	}
	for name, label := range v.Labels {
		of(name)["customLabel"] = label
	}
	for name, description := range v.Descriptions {
		if runes := []rune(description); len(runes) > maxDescription {
			description = string(runes[:maxDescription-1]) + "…"
		}
		of(name)["customDescription"] = description
	}
	return newObject(TypeDataView, v.ID, object{
		"title": v.Pattern, "name": v.Name, "timeFieldName": Timestamp.Name,
		"fields": "[]", "fieldAttrs": text(attributes), "fieldFormatMap": text(v.Formats),
		"runtimeFieldMap": "{}", "sourceFilters": "[]", "typeMeta": "{}", "allowNoIndex": true,
	}, nil)
}

// Search is a Discover session: a table of documents, newest first.
type Search struct {
	ID, Title, Description string
	// DataView is the id of one, Tags are those of tags.
	DataView string
	Tags     []string
	Query    Query
	Columns  []Field
}

// Object is the session as saved object.
func (s *Search) Object() Object {
	const view = "kibanaSavedObjectMeta.searchSourceJSON.index"
	columns := make([]string, len(s.Columns))
	for i, f := range s.Columns {
		columns[i] = f.Name
	}
	return newObject(TypeSearch, s.ID, object{
		"title": s.Title, "description": s.Description, "columns": columns,
		"sort": [][]string{{Timestamp.Name, "desc"}}, "grid": object{}, "hideChart": false, "isTextBasedQuery": false, "timeRestore": false,
		"kibanaSavedObjectMeta": searchSource(s.Query, object{"highlightAll": true, "version": true, "indexRefName": view}),
	}, append([]Reference{{ID: s.DataView, Name: view, Type: TypeDataView}}, tags(s.Tags)...))
}

// Tag is what objects can be found by.
type Tag struct{ ID, Name, Description, Color string }

// Object is the tag as saved object.
func (t *Tag) Object() Object {
	return newObject(TypeTag, t.ID, object{"name": t.Name, "description": t.Description, "color": t.Color}, nil)
}

func tags(ids []string) []Reference {
	var references []Reference
	for _, id := range ids {
		references = append(references, Reference{ID: id, Name: "tag-ref-" + id, Type: TypeTag})
	}
	return references
}
