package flowelasticsearchextension

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/extension/extensiontest"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/extension/flowelasticsearchextension/internal/recycle"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/schema"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/flowstore"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/testkit/configfile"
)

func load(t *testing.T, name string) (*Config, error) {
	t.Helper()
	config := createDefaultConfig().(*Config)
	err := configfile.Load(t, component.NewIDWithName(Type, name).String(), config)
	return config, err
}

func TestShapeOfTheConfig(t *testing.T) {
	require.NoError(t, componenttest.CheckConfigStruct(createDefaultConfig()))
}

func TestDefaults(t *testing.T) {
	config, err := load(t, "")
	require.NoError(t, err)
	require.Equal(t, 10*time.Minute, config.CheckInterval)
	options := config.options()
	require.Equal(t, schema.ECS, options.Mapping)
	require.Equal(t, schema.LogsDB, options.Mode)
	require.Empty(t, options.Namespace, "all of them")
	require.Nil(t, options.Replicas)
	for _, class := range schema.Classes() {
		require.Zero(t, options.Lifecycles[class])
	}
	require.False(t, config.Recycle.HasValue(), "nothing is deleted that nobody asked to be")
	require.False(t, config.LeaderElection.HasValue())
}

func TestDefaultsOfRecyclingAndElection(t *testing.T) {
	config, err := load(t, "recycle")
	require.NoError(t, err)
	require.Equal(t, time.Minute, config.Recycle.Get().Interval)
	require.Equal(t, recycle.Options{Limits: recycle.Limits{Start: 0.8, Stop: 0.7, Classes: map[schema.Class]recycle.ClassLimits{
		schema.Allowed: {}, schema.Denied: {Age: 90 * 24 * time.Hour}, schema.Observer: {}, schema.Rejected: {},
	}}}, config.recycling())
	require.Equal(t, &LeaderElectionConfig{LeaseName: "flow-elasticsearch"}, config.LeaderElection.Get())
}

func TestAllOptions(t *testing.T) {
	config, err := load(t, "all")
	require.NoError(t, err)
	require.Zero(t, config.CheckInterval)
	none := 0
	require.Equal(t, schema.Options{
		Mapping: schema.OTel, Mode: schema.Standard, Namespace: "shop", Shards: 2, Replicas: &none,
		Lifecycles: map[schema.Class]schema.Lifecycle{
			schema.Allowed: {Retention: 8 * 24 * time.Hour}, schema.Denied: {Policy: "audit"}, schema.Observer: {}, schema.Rejected: {},
		},
	}, config.options())
	require.Equal(t, 30*time.Second, config.Recycle.Get().Interval)
	require.Equal(t, recycle.Options{
		Scope: recycle.Scope{Mapping: schema.OTel, Namespace: "shop"},
		Limits: recycle.Limits{Size: 200 << 30, Start: 0.6, Stop: 0.5, Classes: map[schema.Class]recycle.ClassLimits{
			schema.Allowed: {Age: 8 * 24 * time.Hour, Size: 50 << 30}, schema.Denied: {Keep: 30 * 24 * time.Hour, Managed: true}, schema.Observer: {}, schema.Rejected: {},
		}},
		DryRun: true,
	}, config.recycling())
	require.Equal(t, &LeaderElectionConfig{LeaseName: "flows", LeaseNamespace: "monitoring", Kubeconfig: "/etc/kubeconfig"}, config.LeaderElection.Get())
}

func TestTheReaderHasALoginOfItsOwnOrTheExtensions(t *testing.T) {
	config, err := load(t, "all")
	require.NoError(t, err)
	require.EqualValues(t, "key", config.readerConnection().APIKey)
	config, err = load(t, "reader")
	require.NoError(t, err)
	to := config.readerConnection()
	require.Empty(t, to.User, "never both")
	require.Equal(t, config.Connection.HTTP.Endpoint, to.HTTP.Endpoint)
	require.Equal(t, component.MustNewID("headers_setter"), to.HTTP.Auth.Get().AuthenticatorID)
	e, err := newExtension(extensiontest.NewNopSettings(Type), config)
	require.NoError(t, err)
	require.Equal(t, []component.ID{component.MustNewID("headers_setter")}, e.Dependencies())
}

// TestTheStoreDecidesWhatEachSeesIfTheirLoginIsPassedOn has an authenticator that passes it on,
// one with a login of its own, and none.
func TestTheStoreDecidesWhatEachSeesIfTheirLoginIsPassedOn(t *testing.T) {
	for name, want := range map[string]bool{"reader": true, "reader_authenticator": false, "all": false} {
		config, err := load(t, name)
		require.NoError(t, err)
		e, err := newExtension(extensiontest.NewNopSettings(Type), config)
		require.NoError(t, err)
		require.Equal(t, want, flowstore.AsCaller(e.FlowSource()), name)
	}
}

func TestErrorsNameTheKey(t *testing.T) {
	for name, want := range map[string]string{
		"no_endpoint":          "endpoint: no server is named",
		"check_interval":       "check_interval is -1s",
		"days":                 "lifecycle::denied::days is -1",
		"both":                 "lifecycle::observer: days and policy are both given",
		"namespace":            "namespace",
		"mode":                 "fast",
		"min_more_than_days":   "lifecycle::denied::min_days is 9, more than days, 8",
		"min_without_recycle":  "lifecycle::denied::min_days is given without recycle",
		"size_without_recycle": "lifecycle::allowed::max_size is given without recycle",
		"no_unit":              "recycle: max_size is 200B: use 100MiB or more",
		"class_no_unit":        "lifecycle::allowed::max_size is 50B: use 100MiB or more",
		"stop_above_start":     "recycle: disk::stop_percent is 70: use 1 to 69",
		"start":                "recycle: disk::start_percent is 100: use 1 to 99",
		"interval":             "recycle: interval is 1s: use 30s or more",
		"no_lease":             "leader_election: lease_name is empty",
		"no_lease_namespace":   "leader_election: lease_namespace is needed with kubeconfig",
		"reader_login":         "reader: user, password: one of them is missing",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := load(t, name)
			require.ErrorContains(t, err, want)
		})
	}
}

// TestExtensionsThatLogInStartBefore has one that logs in to write and to read.
func TestExtensionsThatLogInStartBefore(t *testing.T) {
	config, err := load(t, "authenticators")
	require.NoError(t, err)
	e, err := newExtension(extensiontest.NewNopSettings(Type), config)
	require.NoError(t, err)
	require.Equal(t, []component.ID{component.MustNewID("basicauth"), component.MustNewIDWithName("basicauth", "kibana")}, e.Dependencies())
}
