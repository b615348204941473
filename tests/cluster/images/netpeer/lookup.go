package main

import (
	"encoding/json"
	"io"
	"net"
	"slices"
)

// lookup asks the name servers of the pod, as every program in it does.
func lookup(w io.Writer, name string) error {
	addresses, err := net.LookupHost(name)
	if err != nil {
		return err
	}
	slices.Sort(addresses)
	return json.NewEncoder(w).Encode(addresses)
}
