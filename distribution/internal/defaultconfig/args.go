// Package defaultconfig decides when the collector runs the configuration that
// is embedded in it.
package defaultconfig

import "strings"

// Args returns the command line args with config (YAML) added, if they ask for
// a command that reads a configuration and name none.
func Args(args []string, config string) []string {
	if !readsConfig(args) || hasFlag(args, "config") {
		return args
	}
	return append([]string{"--config=yaml:" + config}, args...)
}

// readsConfig reports whether args name the run command (no command at all),
// validate or print-config, and do not merely ask for help or the version.
func readsConfig(args []string) bool {
	for _, flag := range []string{"help", "version"} {
		if hasFlag(args, flag) {
			return false
		}
	}
	switch command(args) {
	case "", "validate", "print-config", "print-initial-config":
		return true
	default:
		return false
	}
}

// command returns the first argument that is neither a flag nor a flag's value.
func command(args []string) string {
	for i := 0; i < len(args); i++ {
		if !strings.HasPrefix(args[i], "-") {
			return args[i]
		}
		switch args[i] {
		case "--set", "--feature-gates", "--format", "--mode":
			i++
		}
	}
	return ""
}

// hasFlag reports whether args set the flag, in any spelling the collector
// takes; -h and -v are the only short ones.
func hasFlag(args []string, name string) bool {
	for _, arg := range args {
		if arg == "--"+name || strings.HasPrefix(arg, "--"+name+"=") {
			return true
		}
		if (name == "help" || name == "version") && arg == "-"+name[:1] {
			return true
		}
	}
	return false
}
