// Package strict reads YAML 1.2 into Go values and remembers where each field
// stood: what people write is taken literally or refused with its line.
//
// It refuses keys that are unknown or given twice, values of the wrong shape,
// anchors, aliases and merge keys. Fields are found by their json tags, so that
// a type has one set of names. It knows nothing of what the fields mean.
package strict

import (
	"fmt"

	yaml "go.yaml.in/yaml/v4"
)

// Position is a place in a file; line and column count from 1.
type Position struct{ Line, Column int }

// Problem is one wrong field: its path, where it stands, what is wrong with
// it, and what would be right.
type Problem struct {
	Position
	Path   string // such as steps[0].steps[1].partitionDisk.style
	What   string
	Remedy string
}

func (p Problem) Error() string {
	return fmt.Sprintf("%d:%d: %s: %s (%s)", p.Line, p.Column, p.Path, p.What, p.Remedy)
}

// Decoder reads one document. Problems are collected, so that a person sees
// all of them at once.
type Decoder struct {
	Problems []Problem
	places   map[string]Position
}

// NewDecoder makes a Decoder for one document.
func NewDecoder() *Decoder { return &Decoder{places: map[string]Position{}} }

// Custom is a value that reads itself from a node, by the Decoder's methods.
type Custom interface {
	DecodeStrict(d *Decoder, n *yaml.Node, path string)
}

// Where is the place of a field by its path, or of the nearest field above it.
func (d *Decoder) Where(path string) Position {
	for {
		if p, ok := d.places[path]; ok {
			return p
		}
		if path == "" {
			return Position{1, 1}
		}
		path = parent(path)
	}
}

func parent(path string) string {
	for i := len(path) - 1; i > 0; i-- {
		if path[i] == '.' || path[i] == '[' {
			return path[:i]
		}
	}
	return ""
}

// Fail notes a problem at a node.
func (d *Decoder) Fail(n *yaml.Node, path, remedy, what string, args ...any) {
	at := Position{1, 1}
	if n != nil {
		at = Position{n.Line, n.Column}
	}
	d.Problems = append(d.Problems, Problem{at, path, fmt.Sprintf(what, args...), remedy})
}

// Join makes the path of a key below path.
func Join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// Pair is one entry of a mapping.
type Pair struct {
	Key         string
	Name, Value *yaml.Node
}

// Mapping lists the entries of a mapping and refuses keys that are no words or
// stand there twice.
func (d *Decoder) Mapping(n *yaml.Node, path string) []Pair {
	if _, ok := d.places[path]; !ok {
		d.places[path] = Position{n.Line, n.Column}
	}
	if !d.plain(n, path) {
		return nil
	}
	if n.Kind != yaml.MappingNode {
		d.Fail(n, path, "give keys and values", "%s stands where a mapping belongs", describe(n))
		return nil
	}
	var pairs []Pair
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k := n.Content[i]
		switch {
		case k.Kind != yaml.ScalarNode || k.ShortTag() == "!!merge":
			d.Fail(k, path, "write plain keys", "a key that is no plain word")
		case seen[k.Value]:
			d.Fail(k, Join(path, k.Value), "give it once", "the key stands here twice")
		default:
			seen[k.Value] = true
			d.places[Join(path, k.Value)] = Position{k.Line, k.Column}
			pairs = append(pairs, Pair{k.Value, k, n.Content[i+1]})
		}
	}
	return pairs
}

// plain refuses what makes a document mean more than it shows.
func (d *Decoder) plain(n *yaml.Node, path string) bool {
	if n.Kind == yaml.AliasNode || n.Anchor != "" {
		d.Fail(n, path, "write the value out at each place", "anchors and aliases are not taken")
		return false
	}
	return true
}

func describe(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	case yaml.ScalarNode:
		if n.ShortTag() == "!!null" {
			return "nothing"
		}
		return fmt.Sprintf("%q", n.Value)
	}
	return "something else"
}
