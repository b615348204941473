// Command chart renders the Helm chart, as `helm template` does.
//
//	chart manifests                 writes deploy/kubernetes, one file for each mode
//	chart template [-values FILE]   prints what an installation with these values is
//
// They run from the root of the repository, or are told by -chart where the chart is.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"sigs.k8s.io/yaml"
)

const chartDir = "deploy/helm/otelcol-flowlogs"

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "chart:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) == 0 {
		return fmt.Errorf("say what to do: manifests or template")
	}
	flags := flag.NewFlagSet(args[0], flag.ContinueOnError)
	dir := flags.String("chart", chartDir, "folder of the chart")
	file := flags.String("values", "", "file of values")
	if err := flags.Parse(args[1:]); err != nil {
		return err
	}
	switch args[0] {
	case "manifests":
		return writeManifests(*dir)
	case "template":
		return printTemplate(*dir, *file)
	default:
		return fmt.Errorf("%q is unknown: say manifests or template", args[0])
	}
}

func writeManifests(dir string) error {
	texts, err := manifests(dir)
	if err != nil {
		return err
	}
	for file, text := range texts {
		if err := os.WriteFile(filepath.Join("deploy/kubernetes", file), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

func printTemplate(dir, file string) error {
	values := map[string]any{}
	if file != "" {
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		if err := yaml.UnmarshalStrict(text, &values); err != nil {
			return fmt.Errorf("read %s: %w", file, err)
		}
	}
	r, err := render(dir, values)
	if err != nil {
		return err
	}
	_, err = fmt.Print(stream(r.objects))
	return err
}
