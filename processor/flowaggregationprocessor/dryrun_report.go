package flowaggregationprocessor

import (
	"context"
	"fmt"
	"strings"
	"text/tabwriter"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// filterPlan is what the report calls the plan of filters.
const filterPlan = "filter"

// line is what came of a rule's or a filter's records.
type line struct {
	plan, rule string
	outcome
}

// report logs what came of the records since the last report, and adds it to the metrics.
// Those in open windows are for a later one.
func (t *trial) report() {
	var lines []line
	for _, p := range t.plans {
		all, classes := line{plan: p.name, rule: "all"}, 0
		for c := range p.outcomes {
			l := line{p.name, p.rules.classes[c].Name, p.outcomes[c]}
			p.outcomes[c] = outcome{}
			t.measure(l)
			if l.came.records > 0 {
				lines = append(lines, l)
				all.plus(l.outcome)
				classes++
			}
		}
		if classes > 1 {
			lines = append(lines, all)
		}
	}
	var remarks []string
	for i, f := range t.filters {
		name := t.config.DryRun.Filters[i].Name
		l, others := f.read(name)
		t.measure(l)
		if l.came.records > 0 {
			lines = append(lines, l)
		}
		if others > 0 {
			remarks = append(remarks, fmt.Sprintf("filter %s would remove %d records that are no flows, such as losses and signs of life: "+
				`begin its conditions with log.attributes["flow.action"] == "allow" and`, name, others))
		}
	}
	if len(lines) > 0 {
		t.logger.Info("dry run: nothing was removed; of what came would be left:\n" + table(lines) + strings.Join(remarks, "\n"))
	}
}

// read returns what came of f's records since it was last read.
func (f *filter) read(name string) (l line, others int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	l, others = line{filterPlan, name, f.outcome}, f.others
	f.outcome, f.others = outcome{}, 0
	return l, others
}

func (t *trial) measure(l line) {
	if l.outcome == (outcome{}) {
		return
	}
	with := metric.WithAttributes(attribute.String("plan", l.plan), attribute.String("rule", l.rule))
	t.telemetry.DryRecords.Add(context.Background(), l.came.records, with)
	t.telemetry.DryBytes.Add(context.Background(), l.came.bytes, with)
	t.telemetry.DryLeftRecords.Add(context.Background(), l.left.records, with)
	t.telemetry.DryLeftBytes.Add(context.Background(), l.left.bytes, with)
}

func table(lines []line) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "plan\trule\trecords\tleft\tless\tOTLP bytes\tleft\tless")
	for _, l := range lines {
		fmt.Fprintf(w, "%s\t%s\t%d\t%d\t%s\t%d\t%d\t%s\n", l.plan, l.rule,
			l.came.records, l.left.records, less(l.came.records, l.left.records), l.came.bytes, l.left.bytes, less(l.came.bytes, l.left.bytes))
	}
	_ = w.Flush() // into memory
	return b.String()
}

// less is by what part left is less than came.
func less(came, left int64) string {
	return fmt.Sprintf("%.1f %%", 100*float64(came-left)/float64(came))
}
