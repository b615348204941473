package schema

import "fmt"

// Mapping is the form of the documents.
type Mapping uint8

// The mappings. ECS names fields as the Elastic Common Schema does, and as the registry
// does where ECS has no name. OTel keeps the registry's names, below attributes and
// resource.attributes, as the collector's elasticsearch exporter does in its otel mode.
const (
	ECS Mapping = iota
	OTel
)

var mappingNames = [...]string{ECS: "ecs", OTel: "otel"}

func (m Mapping) String() string {
	if int(m) < len(mappingNames) {
		return mappingNames[m]
	}
	return fmt.Sprintf("mapping %d", uint8(m))
}

// Check returns an error unless m is one of the mappings.
func (m Mapping) Check() error {
	if int(m) >= len(mappingNames) {
		return fmt.Errorf("unknown %s: use ecs or otel", m)
	}
	return nil
}

// MarshalText is String.
func (m Mapping) MarshalText() ([]byte, error) { return []byte(m.String()), m.Check() }

// UnmarshalText is the inverse of String.
func (m *Mapping) UnmarshalText(text []byte) error {
	for i, name := range mappingNames {
		if name == string(text) {
			*m = Mapping(i)
			return nil
		}
	}
	return fmt.Errorf("unknown mapping %q: use ecs or otel", text)
}
