package sequence

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFieldsAndPaths(t *testing.T) {
	s, err := Decode([]byte(`{"format":1,"name":"s","steps":[{"group":"G","description":"about","imported":"<x/>","steps":[
		{"partitionDisk":{"name":"P","timeout":"90s","disk":1,"style":"gpt","condition":{"any":[{"variable":"A","equals":"1"},{"all":[{"file":"/x"},{"none":[{"software":"y"}]}]}]},
			"volumes":[{"type":"efi","size":"1GiB","fileSystem":"fat32"}]}},
		{"runCommandLine":{"command":"c","successCodes":[0,3],"secrets":{"P":"p"},"retry":{"count":2}}}]}]}`))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	s.Walk(func(path string, n Node) {
		got = append(got, path)
		var v any = n.Step
		if n.Group != nil {
			v = n.Group
		}
		for _, f := range Fields(v) {
			got = append(got, fmt.Sprintf("  %s = %s %v", f.Path, f.Value, f.Text))
		}
	})
	want := []string{
		"steps[0]",
		"  group = G true",
		"  description = about true",
		"steps[0].steps[0].partitionDisk",
		"  name = P true",
		`  condition = A is "1" or (file /x exists and not (software y is installed)) false`,
		"  timeout = 1m30s false",
		"  disk = 1 false",
		"  style = gpt true",
		"  volumes[0].type = efi true",
		"  volumes[0].size = 1GiB true",
		"  volumes[0].fileSystem = fat32 true",
		"steps[0].steps[1].runCommandLine",
		"  successCodes = [0, 3] false",
		"  retry.count = 2 false",
		"  secrets.P = p true",
		"  command = c true",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
