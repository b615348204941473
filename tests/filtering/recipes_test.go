package filtering

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/open-telemetry/opentelemetry-collector-contrib/processor/attributesprocessor"
	"github.com/open-telemetry/opentelemetry-collector-contrib/processor/filterprocessor"
	"github.com/open-telemetry/opentelemetry-collector-contrib/processor/transformprocessor"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/confmap/provider/envprovider"
	"go.opentelemetry.io/collector/confmap/provider/yamlprovider"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/collector/processor/processortest"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flow"
)

const (
	document = "../../docs/filtering.md"
	example  = "../../distribution/examples/filtering.yaml"
	salt     = "a secret of this installation"
)

var factories = map[string]processor.Factory{
	"filter": filterprocessor.NewFactory(), "transform": transformprocessor.NewFactory(), "attributes": attributesprocessor.NewFactory(),
}

var yamlBlock = regexp.MustCompile("(?s)```yaml\n(.*?)```")

// documented returns the processors of the document by their ID.
func documented(t testing.TB) map[string]any {
	t.Helper()
	text, err := os.ReadFile(document)
	require.NoError(t, err)
	all := map[string]any{}
	for _, block := range yamlBlock.FindAllStringSubmatch(string(text), -1) {
		for id, config := range processorsOf(t, block[1]) {
			require.NotContains(t, all, id, "the document tells it twice")
			all[id] = config
		}
	}
	return all
}

// processorsOf reads the processors of a configuration as the collector does, with
// variables of the environment.
func processorsOf(t testing.TB, text string) map[string]any {
	t.Helper()
	t.Setenv("FLOWLOGS_SALT", salt)
	resolver, err := confmap.NewResolver(confmap.ResolverSettings{
		URIs:              []string{"yaml:" + text},
		ProviderFactories: []confmap.ProviderFactory{yamlprovider.NewFactory(), envprovider.NewFactory()},
	})
	require.NoError(t, err)
	conf, err := resolver.Resolve(t.Context())
	require.NoError(t, err)
	processors, _ := conf.ToStringMap()["processors"].(map[string]any)
	return processors
}

// result is what came of a sample.
type result struct {
	// left are the attributes of the records that came out, by their names.
	left map[string]map[string]any
	// warnings is what the processor logged, err what it refused the batch for.
	warnings []string
	err      error
	// rejected is what our components would not read.
	rejected flow.Rejected
}

// start returns a processor of a recipe.
func start(t testing.TB, id string, config any, logger *zap.Logger, next consumer.Logs) processor.Logs {
	t.Helper()
	kind, _, _ := strings.Cut(id, "/")
	factory := factories[kind]
	require.NotNil(t, factory, id)
	typed := factory.CreateDefaultConfig()
	require.NoError(t, confmap.NewFromStringMap(config.(map[string]any)).Unmarshal(typed))
	settings := processortest.NewNopSettings(factory.Type())
	settings.Logger = logger
	p, err := factory.CreateLogs(t.Context(), settings, typed, next)
	require.NoError(t, err)
	require.NoError(t, p.Start(t.Context(), nil))
	return p
}

// run sends a sample through a processor.
func run(t *testing.T, id string, config any, sample *Sample) result {
	t.Helper()
	core, observed := observer.New(zap.WarnLevel)
	sink := new(consumertest.LogsSink)
	p := start(t, id, config, zap.New(core), sink)
	var r result
	r.err = p.ConsumeLogs(t.Context(), flow.Encode(&sample.Batch, time.Now()))
	require.NoError(t, p.Shutdown(t.Context()))
	r.left = map[string]map[string]any{}
	for _, logs := range sink.AllLogs() {
		_, r.rejected = flow.Decode(logs)
		maps.Copy(r.left, byName(t, sample, logs))
	}
	for _, entry := range observed.All() {
		r.warnings = append(r.warnings, entry.Message)
	}
	return r
}

func byName(t *testing.T, sample *Sample, logs plog.Logs) map[string]map[string]any {
	t.Helper()
	named := map[string]map[string]any{}
	for _, rl := range logs.ResourceLogs().All() {
		for _, sl := range rl.ScopeLogs().All() {
			for _, lr := range sl.LogRecords().All() {
				attrs := lr.Attributes().AsRaw()
				id, ok := attrs["flow.id"].(string)
				if !ok {
					id, _ = attrs["event.id"].(string)
				}
				name := sample.Name(id)
				require.NotEmpty(t, name, "a record without its id")
				named[name] = attrs
			}
		}
	}
	return named
}

func TestDocumentAndExampleHaveTheSameRecipes(t *testing.T) {
	text, err := os.ReadFile(example)
	require.NoError(t, err)
	shipped, told := processorsOf(t, string(text)), documented(t)
	drop := func(id string, _ any) bool {
		kind, name, _ := strings.Cut(id, "/")
		return factories[kind] == nil || strings.HasPrefix(name, "wrong_")
	}
	maps.DeleteFunc(shipped, drop)
	maps.DeleteFunc(told, drop)
	if diff := cmp.Diff(told, shipped); diff != "" {
		t.Errorf("recipes differ (-document +example):\n%s", diff)
	}
}

func TestEveryRecipeIsTested(t *testing.T) {
	var tested []string
	for _, ids := range [][]string{keys(removedBy), keys(changedBy), keys(mistakes)} {
		tested = append(tested, ids...)
	}
	if diff := cmp.Diff(keys(documented(t)), slices.Sorted(slices.Values(tested))); diff != "" {
		t.Errorf("recipes differ (-document +tests):\n%s", diff)
	}
}

func keys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
