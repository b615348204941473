package flow

import "strings"

// aggregationFields tell how a record was made of several.
func aggregationFields() []Field[Flow] {
	const absent = "not merged by flow_aggregation"
	fields := []Field[Flow]{
		ofAggregation(enum(Attribute{
			Name: "flow.aggregation.level", Role: Dimension, Merge: MergeNew, Elastic: "keyword", Values: levelNames[1:],
			Description: "What the records that were merged into this one have in common: 0 everything, 1 all but source ports, 2 workloads and ports, 3 workloads, keys what is configured; overflow only who saw it and what was done.",
			Absent:      absent,
		}, func(a *Aggregation) *Level { return &a.Level }, ParseLevel)),
		ofAggregation(known(Attribute{
			Name: "flow.aggregation.records", Role: Counter, Unit: "{record}", Elastic: "long",
			Description: "Records that were merged into this one.", Absent: absent,
		}, func(a *Aggregation) *uint64 { return &a.Records })),
		ofAggregation(nameSet(Attribute{
			Name: "flow.aggregation.estimated", Role: Dimension, Merge: MergeUnion, Elastic: "keyword",
			Description: "Counts of distinct values in this record that are estimates, by their names; the others are exact.", Absent: "all are exact",
		}, func(a *Aggregation) *NameSet { return &a.Estimated })),
	}
	for i, l := range listings {
		if l.List != l.Of {
			fields = append(fields, ofAggregation(texts(Attribute{
				Name: l.List, Role: Dimension, Merge: MergeUnion, Elastic: l.elastic(), Calico: calicoLists[l.List],
				Description: "Values of " + l.Of + " in the records that were merged, those with most bytes first.",
				Absent:      "all had the same, or " + absent,
			}, func(a *Aggregation) []string { return a.Lists[i].Values }, func(a *Aggregation, list []string) error {
				a.Lists[i].Values = list
				return nil
			})))
		}
		fields = append(fields, ofAggregation(known(Attribute{
			Name: l.Count, Role: Gauge, Merge: MergeMost, Unit: "{value}", Elastic: "long", Calico: calicoLists[l.Count],
			Description: "Distinct values of " + l.Of + " in the records that were merged.",
			Absent:      "the list has them all, or " + absent,
		}, func(a *Aggregation) *uint64 { return &a.Lists[i].Count })))
	}
	return inSection(func(f *Flow) bool { return f.Aggregation != nil }, fields)
}

// elastic is the mapping type of the list: addresses are found by their network too.
func (l *Listing) elastic() string {
	if strings.HasSuffix(l.Of, ".address") {
		return "ip"
	}
	return "keyword"
}

var calicoLists = map[string]string{
	"source.original.address_count": "num_original_source_ips",
	"process.executable.name_count": "num_process_names",
	"process.pid_count":             "num_process_ids",
	"process.command_line_count":    "num_process_args",
}

// ofAggregation makes a field of an Aggregation one of the flow.
func ofAggregation(f Field[Aggregation]) Field[Flow] {
	return Field[Flow]{
		Attribute: f.Attribute,
		get:       func(r *Flow) Value { return f.get(r.aggregation()) },
		set:       func(r *Flow, v Value) error { return f.set(r.aggregate(), v) },
	}
}
