package sequence

// Unknown is an imported step that this version does not know. It is kept, disabled, and comes
// back on export as it was.
type Unknown struct {
	Options
	// XML is the type attribute of the step.
	XML string `json:"xml"`
}

// Type implements Step.
func (*Unknown) Type() Type { return TypeUnknown }

func (u *Unknown) check(c *checker) {
	if !u.Disabled {
		c.fail("disabled", "false", "this version does not know the step %s and cannot run it: replace it, or leave it disabled", u.XML)
	}
}
