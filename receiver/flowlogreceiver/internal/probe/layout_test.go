//go:build linux

package probe

import (
	"reflect"
	"testing"
	"unsafe"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/receiver/flowlogreceiver/internal/bpf"
)

// The programs and this package see one layout, to the last nested member.
func TestEventLayouts(t *testing.T) {
	for name, test := range map[string]struct {
		spec func() (*ebpf.CollectionSpec, error)
		typ  reflect.Type
		size int
	}{
		"nat_query":  {bpf.LoadNAT, reflect.TypeFor[bpf.NATNatQuery](), natQuerySize},
		"tcp_event":  {bpf.LoadTCP, reflect.TypeFor[bpf.TCPTcpEvent](), tcpEventSize},
		"flow_event": {bpf.LoadDatagram, reflect.TypeFor[flowEvent](), flowEventSize},
		"drop_key":   {bpf.LoadDrops, reflect.TypeFor[bpf.DropsDropKey](), int(unsafe.Sizeof(bpf.DropsDropKey{}))},
		"drop_flow":  {bpf.LoadDrops, reflect.TypeFor[bpf.DropsDropFlow](), int(unsafe.Sizeof(bpf.DropsDropFlow{}))},
		"dns_event":  {bpf.LoadDNS, reflect.TypeFor[bpf.DNSDnsEvent](), dnsEventSize},
	} {
		t.Run(name, func(t *testing.T) {
			spec, err := test.spec()
			require.NoError(t, err)
			var compiled *btf.Struct
			require.NoError(t, spec.Types.TypeByName(name, &compiled))
			require.Equal(t, test.size, int(compiled.Size))
			requireLayout(t, compiled, test.typ)
		})
	}
}

// requireLayout compares the offsets of all members, nested ones too.
func requireLayout(t *testing.T, compiled *btf.Struct, typ reflect.Type) {
	t.Helper()
	var fields []reflect.StructField
	for i := range typ.NumField() {
		if f := typ.Field(i); f.Name != "_" && f.Type.Size() > 0 {
			fields = append(fields, f)
		}
	}
	require.Len(t, fields, len(compiled.Members), compiled.Name)
	for i, m := range compiled.Members {
		require.Equal(t, uintptr(m.Offset.Bytes()), fields[i].Offset, "%s.%s", compiled.Name, m.Name)
		if nested, ok := btf.UnderlyingType(m.Type).(*btf.Struct); ok {
			requireLayout(t, nested, fields[i].Type)
		}
	}
}
