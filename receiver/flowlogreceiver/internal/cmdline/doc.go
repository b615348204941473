// Package cmdline prints the command line of a process for people, without the
// secrets in it.
package cmdline
