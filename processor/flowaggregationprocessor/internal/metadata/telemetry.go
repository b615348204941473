package metadata

import (
	"context"
	"errors"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/otel/metric"
)

// Telemetry holds the processor's own metrics.
type Telemetry struct {
	meter metric.Meter

	// Merged counts records that came, Written those that went, by class and level.
	Merged, Written metric.Int64Counter
	// What became of others: see the descriptions.
	Duplicates, Sampled, Late, Unreadable, Refused, Lost, Conditions metric.Int64Counter
	// What came in a dry run, and what would have been left of it, by plan and rule.
	DryRecords, DryBytes, DryLeftRecords, DryLeftBytes metric.Int64Counter

	observed []observed
}

// observed is an instrument that is read when metrics are collected.
type observed struct {
	instrument metric.Int64Observable
	value      func(*State) int64
}

// State is what those instruments say at a time.
type State struct {
	Windows, Groups, Memory, Pressure int64
	Folds, Joined, Unknown            int64
}

// Add adds another's to s.
func (s *State) Add(other State) {
	s.Windows += other.Windows
	s.Groups += other.Groups
	s.Memory += other.Memory
	s.Pressure = max(s.Pressure, other.Pressure)
	s.Folds += other.Folds
	s.Joined += other.Joined
	s.Unknown += other.Unknown
}

// NewTelemetry creates the instruments.
func NewTelemetry(settings component.TelemetrySettings) (*Telemetry, error) {
	t := &Telemetry{meter: settings.MeterProvider.Meter(ScopeName)}
	var errs []error
	for _, c := range []struct {
		counter                 *metric.Int64Counter
		name, unit, description string
	}{
		{&t.Merged, "merged", "{records}", "Records that were merged."},
		{&t.Written, "written", "{records}", "Records that merged ones became, by the class of their rule and by their level."},
		{&t.Duplicates, "duplicates", "{records}", "Records that had been merged before: a sender tried again."},
		{&t.Sampled, "sampled_out", "{records}", "Records that were left out by chance; those that stay count for them."},
		{&t.Late, "late", "{records}", "Records that ended in a window that was passed on already; they are in records of their own."},
		{&t.Unreadable, "unreadable", "{records}", "Records with an attribute of the wrong type; they are passed on as they are."},
		{&t.Refused, "refused", "{calls}", "Calls that the pipeline refused for now."},
		{&t.Lost, "lost", "{records}", "Records that the pipeline refused for good, that were left at the end, or that a crash before this start took."},
		{&t.Conditions, "condition_errors", "{errors}", "Conditions that failed, and were taken for not met."},
		{&t.DryRecords, "dry_run_records", "{records}", "Records that came in a dry run, by plan and rule."},
		{&t.DryBytes, "dry_run_bytes", "By", "Size of records that came in a dry run, as OTLP, by plan and rule."},
		{&t.DryLeftRecords, "dry_run_left_records", "{records}", "Records that would have been left, by plan and rule."},
		{&t.DryLeftBytes, "dry_run_left_bytes", "By", "Size of records that would have been left, as OTLP, by plan and rule."},
	} {
		counter, err := t.meter.Int64Counter("otelcol_flow_aggregation_"+c.name, metric.WithUnit(c.unit), metric.WithDescription(c.description))
		*c.counter = counter
		errs = append(errs, err)
	}
	for _, o := range []struct {
		name, unit, description string
		counts                  bool
		value                   func(*State) int64
	}{
		{"windows", "{windows}", "Windows that are open.", false, func(s *State) int64 { return s.Windows }},
		{"groups", "{groups}", "Groups of records in open windows.", false, func(s *State) int64 { return s.Groups }},
		{"memory", "By", "What windows take, about, those included that are being passed on.", false, func(s *State) int64 { return s.Memory }},
		{"pressure", "{levels}", "By how many levels new windows are coarser because the pipeline is behind.", false, func(s *State) int64 { return s.Pressure }},
		{"folds", "{folds}", "How often groups were made coarser because memory was short.", true, func(s *State) int64 { return s.Folds }},
		{"joined_windows", "{windows}", "Windows that became one with another because the pipeline was behind, or clocks differ.", true, func(s *State) int64 { return s.Joined }},
		{"unknown_attributes", "{attributes}", "Attributes that are not of flow records and that there was no room for.", true, func(s *State) int64 { return s.Unknown }},
	} {
		errs = append(errs, t.observe("otelcol_flow_aggregation_"+o.name, o.unit, o.description, o.counts, o.value))
	}
	return t, errors.Join(errs...)
}

func (t *Telemetry) observe(name, unit, description string, counts bool, value func(*State) int64) error {
	var (
		instrument metric.Int64Observable
		err        error
	)
	if counts {
		instrument, err = t.meter.Int64ObservableCounter(name, metric.WithUnit(unit), metric.WithDescription(description))
	} else {
		instrument, err = t.meter.Int64ObservableGauge(name, metric.WithUnit(unit), metric.WithDescription(description))
	}
	t.observed = append(t.observed, observed{instrument, value})
	return err
}

// Observe has the observed instruments read from now until the registration ends.
func (t *Telemetry) Observe(read func() State) (metric.Registration, error) {
	instruments := make([]metric.Observable, len(t.observed))
	for i, o := range t.observed {
		instruments[i] = o.instrument
	}
	return t.meter.RegisterCallback(func(_ context.Context, to metric.Observer) error {
		state := read()
		for _, o := range t.observed {
			to.ObserveInt64(o.instrument, o.value(&state))
		}
		return nil
	}, instruments...)
}
