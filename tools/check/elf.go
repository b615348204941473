package main

import (
	"debug/elf"
	"fmt"
)

// isDynamic reports whether the ELF file asks for a dynamic loader.
func isDynamic(path string) (bool, error) {
	file, err := elf.Open(path)
	if err != nil {
		return false, fmt.Errorf("read %s: %w", path, err)
	}
	defer file.Close()
	for _, prog := range file.Progs {
		if prog.Type == elf.PT_INTERP {
			return true, nil
		}
	}
	return false, nil
}
