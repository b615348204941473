package savedobject

import (
	"fmt"
	"strings"
)

// Dashboard is a page of panels.
type Dashboard struct {
	ID, Title, Description string
	Tags                   []string
	// From is how far back it looks when it is opened, as in "now-24h".
	From string
	// Links go to other dashboards, in a line above all panels.
	Links    []Link
	Controls []Control
	Rows     []Row
}

// Link goes to the dashboard with that id and takes the time range along, and the filters if
// they mean something there.
type Link struct {
	Label, To string
	Filters   bool
}

// Control lets people choose among the values of a field.
type Control struct {
	Title string
	Field Field
	// DataView is the id of the one that the values come from.
	DataView string
}

// Row is panels side by side, so many units high; Kibana's grid has units of 20 pixels.
type Row struct {
	Height int
	Panels []Panel
}

// Panel shows a Chart of what Query finds in a data view, or a saved Discover session.
type Panel struct {
	Title, Description string
	// Width is in units of Kibana's grid, of which a row has GridWidth.
	Width    int
	DataView string
	Query    Query
	Chart    Chart
	// Drilldown is where a click on a value can lead to, with that value as a filter.
	Drilldown *Link
	// Session is the id of a Discover session to show instead of all of the above.
	Session string
}

// GridWidth is how many units a row has room for.
const GridWidth = 48

const (
	linksHeight = 3
	// refresh is how often a dashboard does it once that is turned on, in milliseconds.
	refresh = 60_000
)

// Object is the dashboard as saved object.
func (d *Dashboard) Object() Object {
	b := builder{references: tags(d.Tags), seen: make(map[string]bool)}
	if len(d.Links) > 0 {
		b.add("links", grid{0, 0, GridWidth, linksHeight}, b.links(d.Links))
		b.y = linksHeight
	}
	for _, row := range d.Rows {
		b.row(row)
	}
	return newObject(TypeDashboard, d.ID, object{
		"title": d.Title, "description": d.Description, "version": 1,
		"timeRestore": true, "timeFrom": d.From, "timeTo": "now", "refreshInterval": object{"pause": true, "value": refresh},
		"optionsJSON":           text(object{"useMargins": true, "syncColors": true, "syncCursor": true, "syncTooltips": false, "hidePanelTitles": false}),
		"kibanaSavedObjectMeta": searchSource("", nil),
		"controlGroupInput":     b.controls(d.Controls),
		"panelsJSON":            text(b.panels),
	}, b.references)
}

// builder gathers panels and references of one dashboard.
type builder struct {
	panels     []object
	references []Reference
	seen       map[string]bool
	y          int
}

type grid struct{ x, y, w, h int }

// add adds a panel that has the rest of its form.
func (b *builder) add(id string, g grid, panel object) {
	if b.seen[id] {
		panic(fmt.Sprintf("two panels are called %s", id))
	}
	b.seen[id] = true
	panel["panelIndex"] = id
	panel["gridData"] = object{"i": id, "x": g.x, "y": g.y, "w": g.w, "h": g.h}
	b.panels = append(b.panels, panel)
}

func (b *builder) refer(kind, id, name string) {
	b.references = append(b.references, Reference{ID: id, Name: name, Type: kind})
}

func (b *builder) row(row Row) {
	x := 0
	for i := range row.Panels {
		p := &row.Panels[i]
		if x+p.Width > GridWidth {
			panic(fmt.Sprintf("panel %q ends at %d, and the grid at %d", p.Title, x+p.Width, GridWidth))
		}
		id := slug(p.Title)
		panel := object{"title": p.Title}
		if p.Session != "" {
			b.refer(TypeSearch, p.Session, id+":panel_"+id)
			panel["type"], panel["panelRefName"], panel["embeddableConfig"] = "search", "panel_"+id, object{"enhancements": object{}}
		} else {
			panel["type"], panel["embeddableConfig"] = "lens", b.lens(id, p)
		}
		b.add(id, grid{x, b.y, p.Width, row.Height}, panel)
		x += p.Width
	}
	b.y += row.Height
}

// lens is a panel's embeddableConfig.
func (b *builder) lens(id string, p *Panel) object {
	const layerID = "layer"
	view := Reference{ID: p.DataView, Name: "indexpattern-datasource-layer-" + layerID, Type: TypeDataView}
	b.refer(view.Type, view.ID, id+":"+view.Name)
	l := p.Chart.layer()
	name, state := p.Chart.visualization(layerID)
	config := object{"enhancements": b.drilldown(id, p.Drilldown), "attributes": object{
		"title": p.Title, "description": p.Description, "type": "lens", "visualizationType": name, "references": []Reference{view},
		"state": object{
			"query": p.Query.object(), "filters": []any{}, "internalReferences": []any{}, "adHocDataViews": object{},
			"visualization":    state,
			"datasourceStates": object{"formBased": object{"layers": object{layerID: l.object()}}},
		},
	}}
	if _, ok := p.Chart.(*Number); ok {
		config["hidePanelTitles"] = true // which stands beside the number
	}
	if p.Description != "" {
		config["description"] = p.Description
	}
	return config
}

func (b *builder) drilldown(panel string, to *Link) object {
	if to == nil {
		return object{}
	}
	const factory = "DASHBOARD_TO_DASHBOARD_DRILLDOWN"
	event := "open-" + to.To
	b.refer(TypeDashboard, to.To, strings.Join([]string{panel, "drilldown", factory, event, "dashboardId"}, ":"))
	return object{"dynamicActions": object{"events": []object{{
		"eventId": event, "triggers": []string{"FILTER_TRIGGER"},
		"action": object{"factoryId": factory, "name": to.Label, "config": object{
			"useCurrentFilters": to.Filters, "useCurrentDateRange": true, "openInNewTab": false,
		}},
	}}}}
}

func (b *builder) links(links []Link) object {
	var list []object
	for i, l := range links {
		name := "link_" + l.To + "_dashboard"
		b.refer(TypeDashboard, l.To, "links:"+name)
		list = append(list, object{
			"id": l.To, "order": i, "type": "dashboardLink", "label": l.Label, "destinationRefName": name,
			"options": object{"openInNewTab": false, "useCurrentFilters": l.Filters, "useCurrentDateRange": true},
		})
	}
	return object{
		"type": "links", "title": "", "embeddableConfig": object{
			"enhancements": object{}, "hidePanelTitles": true, "attributes": object{"layout": "horizontal", "links": list},
		},
	}
}

// controls is the group of a dashboard. A control offers what the ones before it leave.
func (b *builder) controls(controls []Control) object {
	panels := object{}
	for i, c := range controls {
		id := slug(c.Title)
		b.refer(TypeDataView, c.DataView, "controlGroup_"+id+":optionsListDataView")
		panels[id] = object{
			"type": "optionsListControl", "order": i, "width": "medium", "grow": true,
			"explicitInput": object{
				"id": id, "fieldName": c.Field.Name, "title": c.Title, "selectedOptions": []any{}, "enhancements": object{}, "searchTechnique": "prefix",
			},
		}
	}
	return object{
		"chainingSystem": "HIERARCHICAL", "controlStyle": "oneLine", "showApplySelections": false, "panelsJSON": text(panels),
		"ignoreParentSettingsJSON": text(object{"ignoreFilters": false, "ignoreQuery": false, "ignoreTimerange": false, "ignoreValidations": false}),
	}
}

// slug is a title as an id.
func slug(title string) string {
	parts := strings.FieldsFunc(strings.ToLower(title), func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') })
	return strings.Join(parts, "-")
}
