package status

import (
	"encoding/json"
	"io"
)

// WriteJSON writes the report for programs.
func (r Report) WriteJSON(w io.Writer) error {
	if r.Rows == nil {
		r.Rows = []Row{}
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(r)
}
