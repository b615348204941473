package flowaggregationprocessor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/ottl"
	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/ottl/contexts/ottllog"
	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/ottl/ottlfuncs"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.uber.org/zap"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/processor/flowaggregationprocessor/internal/aggregate"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/processor/flowaggregationprocessor/internal/metadata"
)

// rules tell the class of a record: that of the first rule that takes it, or of its
// action.
type rules struct {
	list    []rule
	classes []aggregate.Class

	action, source, destination aggregate.Dimension
	// failed is told of conditions that fail.
	failed func(error)
}

type rule struct {
	action     string
	namespaces []string
	conditions conditions
}

// className is what metrics call records of an action that no rule takes.
func className(a flow.Action) string {
	if a == flow.Deny {
		return "denied"
	}
	return "allowed"
}

// newRules makes the classes of c: one for each rule, then allowed and denied.
func newRules(c *Config, a *aggregate.Aggregator, settings component.TelemetrySettings, failed func(error)) (*rules, error) {
	r := &rules{
		action:      a.Dimension("flow.action"),
		source:      a.Dimension("source.k8s.namespace.name"),
		destination: a.Dimension("destination.k8s.namespace.name"),
		failed:      failed,
	}
	var errs []error
	for i := range c.Rules {
		of := &c.Rules[i]
		conditions, err := parseConditions(of.Conditions, settings)
		if err != nil {
			errs = append(errs, fmt.Errorf("rules::%d: %w", i, err))
		}
		r.list = append(r.list, rule{of.Action, of.Namespaces, conditions})
		r.classes = append(r.classes, of.Detail.class(of.Name, a))
	}
	r.classes = append(r.classes, c.Allowed.class(className(flow.Allow), a), c.Denied.class(className(flow.Deny), a))
	return r, errors.Join(errs...)
}

func (d *DetailConfig) class(name string, a *aggregate.Aggregator) aggregate.Class {
	c := aggregate.Class{Name: name, Sample: uint64(max(d.SampleOneIn, 1))}
	if len(d.Keys) > 0 {
		c.Chain = a.Keys(d.Keys)
	} else {
		c.Chain = a.Level(flow.LevelAll + flow.Level(d.Level))
	}
	return c
}

// conditions are met when one of them is.
type conditions []*ottl.Condition[*ottllog.TransformContext]

// parseConditions parses conditions as the filter processor has them. A path without a
// context is of the log record.
func parseConditions(list []string, settings component.TelemetrySettings) (conditions, error) {
	if len(list) == 0 {
		return nil, nil
	}
	if settings.Logger == nil {
		settings.Logger = zap.NewNop()
	}
	parser, err := ottllog.NewParser(ottlfuncs.StandardConverters[*ottllog.TransformContext](), settings, ottllog.EnablePathContextNames())
	if err != nil {
		return nil, err
	}
	as := func(_ *ottl.ParserCollection[conditions], _ ottl.ConditionsGetter, parsed []*ottl.Condition[*ottllog.TransformContext]) (conditions, error) {
		return parsed, nil
	}
	// Only a collection knows how to add contexts.
	collection, err := ottl.NewParserCollection(settings,
		ottl.WithParserCollectionContext(ottllog.ContextName, &parser, ottl.WithConditionConverter(as)))
	if err != nil {
		return nil, err
	}
	var all conditions
	var errs []error
	for i := range list {
		parsed, err := collection.ParseConditionsWithContext(ottllog.ContextName, ottl.NewConditionsGetter(list[i:i+1]), true)
		if err != nil {
			errs = append(errs, fmt.Errorf("conditions::%d: %w", i, err))
		}
		all = append(all, parsed...)
	}
	return all, errors.Join(errs...)
}

// class implements the classifier of an Aggregator.
func (r *rules) class(rec *aggregate.Record) int {
	action := rec.Text(r.action)
	for i := range r.list {
		if r.list[i].takes(r, action, rec) {
			return i
		}
	}
	if action == flow.Deny.String() {
		return len(r.list) + 1
	}
	return len(r.list)
}

func (of *rule) takes(r *rules, action string, rec *aggregate.Record) bool {
	if of.action != "" && of.action != action {
		return false
	}
	if len(of.namespaces) > 0 && !slices.Contains(of.namespaces, rec.Text(r.source)) && !slices.Contains(of.namespaces, rec.Text(r.destination)) {
		return false
	}
	return len(of.conditions) == 0 || of.conditions.anyMet(rec.Resource, rec.Scope, rec.Log, r.failed)
}

// anyMet takes a condition that fails, as a function on an attribute that is absent does,
// for not met.
func (list conditions) anyMet(rl plog.ResourceLogs, sl plog.ScopeLogs, lr plog.LogRecord, failed func(error)) bool {
	tc := ottllog.NewTransformContext(rl, sl, lr)
	defer tc.Close()
	for _, c := range list {
		met, err := c.Eval(context.Background(), tc)
		if err != nil {
			failed(err)
		} else if met {
			return true
		}
	}
	return false
}

// failures counts conditions that failed and logs the first.
type failures struct {
	telemetry *metadata.Telemetry
	logger    *zap.Logger
	logged    atomic.Bool
}

func (f *failures) tell(err error) {
	f.telemetry.Conditions.Add(context.Background(), 1)
	if !f.logged.Swap(true) {
		f.logger.Warn("a condition fails and is taken for not met; this is said once", zap.Error(err))
	}
}
