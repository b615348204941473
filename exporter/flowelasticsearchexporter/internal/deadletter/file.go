// Package deadletter keeps documents in a file that Elasticsearch would not have anywhere.
package deadletter

import (
	"errors"
	"fmt"
	"os"
	"sync"
)

// File is a file of documents, one a line. It is safe for concurrent use.
type File struct {
	path string
	most int64

	mu   sync.Mutex
	file *os.File
	size int64
}

// Open opens or makes the file at path, for its owner to read and write. It grows to most
// bytes.
func Open(path string, most int64) (*File, error) {
	file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the dead-letter file: %w", err)
	}
	info, err := file.Stat()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open the dead-letter file: %w", err), file.Close())
	}
	return &File{path: path, most: most, file: file, size: info.Size()}, nil
}

// Write adds a document, which is on disk when it returns, or not in the file at all.
func (f *File) Write(document []byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.size+int64(len(document))+1 > f.most {
		return fmt.Errorf("the dead-letter file %s is full: move it away and restart, or raise dead_letter::max_file_mib", f.path)
	}
	line := append(append(make([]byte, 0, len(document)+1), document...), '\n')
	_, err := f.file.Write(line)
	if err == nil {
		err = f.file.Sync()
	}
	if err != nil {
		// Half a line would spoil the next one.
		return errors.Join(fmt.Errorf("write to the dead-letter file: %w", err), f.file.Truncate(f.size))
	}
	f.size += int64(len(line))
	return nil
}

// Close closes the file.
func (f *File) Close() error { return f.file.Close() }
