package membership

import (
	"fmt"
	"slices"
	"strings"
)

// namedCollections is how many collections a line names.
const namedCollections = 5

// Lines says each distinct warning once, with the collections that it is about:
// many collections of a site may ask for the same class.
func Lines(all []Warning) []string {
	var texts []string
	about := map[string][]string{}
	for _, w := range all {
		if about[w.Text] == nil {
			texts = append(texts, w.Text)
		}
		if !slices.Contains(about[w.Text], w.Collection) {
			about[w.Text] = append(about[w.Text], w.Collection)
		}
	}
	for i, text := range texts {
		names, more := about[text], ""
		if n := len(names) - namedCollections; n > 0 {
			names, more = names[:namedCollections], fmt.Sprintf(" and %d more", n)
		}
		noun := "collection "
		if len(names) > 1 {
			noun = "collections "
		}
		texts[i] = noun + strings.Join(names, ", ") + more + ": " + text
	}
	return texts
}
