package flowstore

import (
	"fmt"

	"go.opentelemetry.io/collector/component"
)

// SourceProvider is implemented by extensions of whom flow records can be asked.
type SourceProvider interface {
	// FlowSource returns the source; its methods return ErrClosed before the extension
	// has started and after it was shut down.
	FlowSource() Source
}

// WriterProvider is implemented by extensions that take flow records in.
type WriterProvider interface {
	// FlowWriter returns the writer, which returns ErrClosed as FlowSource's methods do.
	FlowWriter() Writer
}

// SourceFromHost finds the extension with the given ID, to ask it for records.
func SourceFromHost(host component.Host, id component.ID) (Source, error) {
	provider, err := fromHost[SourceProvider](host, id, "cannot be asked for flow records")
	if err != nil {
		return nil, err
	}
	return provider.FlowSource(), nil
}

// WriterFromHost finds the extension with the given ID, to write records to it.
func WriterFromHost(host component.Host, id component.ID) (Writer, error) {
	provider, err := fromHost[WriterProvider](host, id, "takes no flow records in: name a flow_store extension, or use the exporter that belongs to the backend")
	if err != nil {
		return nil, err
	}
	return provider.FlowWriter(), nil
}

func fromHost[P any](host component.Host, id component.ID, lacks string) (provider P, err error) {
	extension, ok := host.GetExtensions()[id]
	if !ok {
		return provider, fmt.Errorf("there is no extension %q: add it under extensions and to service.extensions", id)
	}
	if provider, ok = extension.(P); !ok {
		return provider, fmt.Errorf("extension %q %s", id, lacks)
	}
	return provider, nil
}
