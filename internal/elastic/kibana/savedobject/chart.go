package savedobject

// Chart is what a panel shows: a Number, a Table, Shares, or numbers OverTime.
type Chart interface {
	// layer is what it asks for, and visualization how that is drawn, in the form of the
	// named type.
	layer() layer
	visualization(layerID string) (name string, state object)
}

// Number is one in large print.
type Number struct{ Metric Metric }

func (n *Number) layer() layer { return newLayer(false, nil, []Metric{n.Metric}) }

func (n *Number) visualization(layerID string) (string, object) {
	state := object{"layerId": layerID, "layerType": "data", "metricAccessor": n.layer().metrics[0]}
	if n.Metric.Color != "" {
		state["color"] = n.Metric.Color
	}
	return "lnsMetric", state
}

// Table has a line for each combination of groups. A click on a value filters by it.
type Table struct {
	Groups  []Terms
	Metrics []Metric
}

func (t *Table) layer() layer { return newLayer(false, t.Groups, t.Metrics) }

func (t *Table) visualization(layerID string) (string, object) {
	l := t.layer()
	var columns []object
	for _, id := range l.groups {
		columns = append(columns, object{"columnId": id, "isTransposed": false, "oneClickFilter": true})
	}
	for _, id := range l.metrics {
		columns = append(columns, object{"columnId": id, "isTransposed": false})
	}
	const pageSize = 10
	state := object{
		"layerId": layerID, "layerType": "data", "columns": columns,
		"paging": object{"size": pageSize, "enabled": true}, "rowHeight": "single", "headerRowHeight": "single",
	}
	for i := range t.Metrics {
		if t.Metrics[i].sortable() {
			state["sorting"] = object{"columnId": l.metrics[i], "direction": "desc"}
			break
		}
	}
	return "lnsDatatable", state
}

// Shares is a ring of what each group has of the whole.
type Shares struct {
	Of     Terms
	Metric Metric
}

func (s *Shares) layer() layer { return newLayer(false, []Terms{s.Of}, []Metric{s.Metric}) }

func (s *Shares) visualization(layerID string) (string, object) {
	l := s.layer()
	return "lnsPie", object{"shape": "donut", "layers": []object{{
		"layerId": layerID, "layerType": "data", "primaryGroups": l.groups, "metrics": l.metrics,
		"numberDisplay": "percent", "categoryDisplay": "default", "legendDisplay": "show", "legendPosition": "right", "nestedLegend": false,
	}}}
}

// Series is how numbers over time are drawn.
type Series string

// The kinds of series. Bars and Areas stand on each other: they are for what adds up.
const (
	Lines Series = "line"
	Bars  Series = "bar_stacked"
	Areas Series = "area_stacked"
)

// OverTime is numbers by time: one of each value of By, or each of the Metrics.
type OverTime struct {
	Series  Series
	By      *Terms
	Metrics []Metric
}

func (o *OverTime) layer() layer {
	if o.By == nil {
		return newLayer(true, nil, o.Metrics)
	}
	return newLayer(true, []Terms{*o.By}, o.Metrics)
}

func (o *OverTime) visualization(layerID string) (string, object) {
	l := o.layer()
	drawn := object{
		"layerId": layerID, "layerType": "data", "seriesType": string(o.Series), "xAccessor": "time", "accessors": l.metrics,
	}
	if o.By != nil {
		drawn["splitAccessor"] = l.groups[0]
	}
	var colors []object
	for i := range o.Metrics {
		if color := o.Metrics[i].Color; color != "" {
			colors = append(colors, object{"forAccessor": l.metrics[i], "color": color})
		}
	}
	if colors != nil {
		drawn["yConfig"] = colors
	}
	axes := func(shown bool) object { return object{"x": shown, "yLeft": shown, "yRight": shown} }
	return "lnsXY", object{
		"layers": []object{drawn}, "preferredSeriesType": string(o.Series), "valueLabels": "hide", "fittingFunction": "None",
		"legend":                       object{"isVisible": true, "position": "bottom", "showSingleSeries": false, "shouldTruncate": true, "maxLines": 1},
		"axisTitlesVisibilitySettings": object{"x": false, "yLeft": false, "yRight": false},
		"tickLabelsVisibilitySettings": axes(true), "gridlinesVisibilitySettings": axes(true),
		"labelsOrientation": object{"x": 0, "yLeft": 0, "yRight": 0},
		"yLeftExtent":       object{"mode": "full"}, "yRightExtent": object{"mode": "full"},
	}
}
