package flow

// Aggregation is what a record tells that flow_aggregation made of several. Nothing
// changes it once the record is decoded, so copies of a Flow may share it.
type Aggregation struct {
	// Level is what the records have in common, see the Level constants.
	Level Level
	// Records is how many records were merged.
	Records uint64
	// Lists has the values of attributes that the records differ in.
	Lists [len(listings)]List
	// Estimated names the counts that are estimates.
	Estimated NameSet
}

// List is a bounded list of distinct values. The zero List is of an attribute that all
// records agree in, or that is not listed.
type List struct {
	// Values are the first few, the most important first: those with most bytes.
	Values []string
	// Count is how many there are; 0 when Values has them all.
	Count uint64
}

// Level says how much a record that was made of several still tells apart.
type Level uint8

// The levels: each tells apart less than the one before. LevelKeys is a list of
// attributes that somebody chose, LevelOverflow what is left where memory was short.
const (
	LevelUnknown Level = iota
	LevelAll
	LevelPorts
	LevelWorkloads
	LevelServices
	LevelKeys
	LevelOverflow
)

var levelNames = [...]string{"", "0", "1", "2", "3", "keys", "overflow"}

func (l Level) String() string { return nameOf(levelNames[:], l) }

// ParseLevel is the inverse of String.
func ParseLevel(s string) (Level, error) { return parseName[Level]("level", levelNames[:], s) }

// Listing ties an attribute to those that list and count its values where the records
// that were merged differ in it.
type Listing struct{ Of, List, Count string }

// listings are the attributes whose values are listed. Domains are a list by themselves.
var listings = [...]Listing{
	{"source.address", "source.addresses", "source.address_count"},
	{"source.port", "source.ports", "source.port_count"},
	{"source.original.address", "source.original.addresses", "source.original.address_count"},
	{"source.k8s.pod.name", "source.k8s.pod.names", "source.k8s.pod.name_count"},
	{"destination.address", "destination.addresses", "destination.address_count"},
	{"destination.port", "destination.ports", "destination.port_count"},
	{"destination.original.address", "destination.original.addresses", "destination.original.address_count"},
	{"destination.k8s.pod.name", "destination.k8s.pod.names", "destination.k8s.pod.name_count"},
	{"destination.k8s.service.name", "destination.k8s.service.names", "destination.k8s.service.name_count"},
	{"process.executable.name", "process.executable.names", "process.executable.name_count"},
	{"process.pid", "process.pids", "process.pid_count"},
	{"process.command_line", "process.command_lines", "process.command_line_count"},
	{"destination.domains", "destination.domains", "destination.domain_count"},
}

// Listings returns the attributes whose values are listed, in the order of
// Aggregation.Lists.
func Listings() []Listing { return listings[:] }

// ListOf returns the field that lists the values of the attribute name where the records
// that were merged differ in it, or nil where nothing does.
func ListOf(name string) *Field[Flow] {
	for i := range listings {
		if l := &listings[i]; l.Of == name && l.List != name {
			return Flows.Lookup(l.List)
		}
	}
	return nil
}

// ListedBy returns the field whose values the attribute name lists, or nil.
func ListedBy(name string) *Field[Flow] {
	for i := range listings {
		if l := &listings[i]; l.List == name && l.Of != name {
			return Flows.Lookup(l.Of)
		}
	}
	return nil
}

// aggregation returns what f tells of its merging, or nothing: not to be changed.
func (f *Flow) aggregation() *Aggregation {
	if f.Aggregation == nil {
		return &notAggregated
	}
	return f.Aggregation
}

var notAggregated Aggregation

// aggregate returns what f tells of its merging, to add to it.
func (f *Flow) aggregate() *Aggregation {
	if f.Aggregation == nil {
		f.Aggregation = new(Aggregation)
	}
	return f.Aggregation
}
