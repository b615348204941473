package kibana

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"strconv"

	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/kibana/savedobject"
	"github.com/otelcol-flowlogs/otelcol-flowlogs/internal/elastic/schema"
)

// Version is that of the objects. It is raised with every change of what they say, so that
// an older collector does not put back what a newer one has imported.
const Version = 1

// Options choose what the objects are for.
type Options struct {
	Mapping schema.Mapping
	// Space is the id of the space in Kibana that they are for, "" for the default one. It is
	// part of their ids: Kibana changes the id of an object that it knows from another space,
	// and then would not find it again.
	Space string
}

// Set is the objects for one space.
type Set struct {
	// Objects are all but the tag.
	Objects []savedobject.Object
	// Tag is on all of them, and says which version they are: it is to be imported last.
	Tag savedobject.Object
	// Stamp is what the tag says.
	Stamp Stamp
}

// Stamp tells one version of the objects from another.
type Stamp struct {
	Version int
	// Digest is of their content.
	Digest string
}

func (s Stamp) String() string { return fmt.Sprintf("version %d, %s", s.Version, s.Digest) }

var stampForm = regexp.MustCompile(`version (\d+), ([0-9a-f]{16})$`)

// ParseStamp reads the stamp at the end of the description of a tag.
func ParseStamp(description string) (Stamp, error) {
	found := stampForm.FindStringSubmatch(description)
	if found == nil {
		return Stamp{}, errors.New("the tag's description does not end with a version")
	}
	version, err := strconv.Atoi(found[1])
	if err != nil {
		return Stamp{}, fmt.Errorf("the version in the tag's description: %w", err)
	}
	return Stamp{version, found[2]}, nil
}

// Build makes the objects.
func Build(o Options) (*Set, error) {
	if err := o.Mapping.Check(); err != nil {
		return nil, err
	}
	s := newSite(o)
	set := &Set{Objects: s.dataViews()}
	for _, search := range s.searches() {
		set.Objects = append(set.Objects, search.Object())
	}
	for _, d := range s.dashboards() {
		set.Objects = append(set.Objects, d.Object())
	}
	text, err := savedobject.NDJSON(set.Objects)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(text)
	set.Stamp = Stamp{Version, hex.EncodeToString(sum[:8])}
	tag := savedobject.Tag{
		ID: s.tag(), Name: "Flow logs", Color: colorAllowed,
		Description: "Put by otelcol-flowlogs; it replaces them with newer ones. " + set.Stamp.String(),
	}
	set.Tag = tag.Object()
	return set, nil
}

// NDJSON is all of the objects, for Kibana's import.
func (s *Set) NDJSON() ([]byte, error) {
	return savedobject.NDJSON(append(s.Objects[:len(s.Objects):len(s.Objects)], s.Tag))
}
