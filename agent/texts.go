package agent

import (
	"strings"
	"unicode/utf8"

	"github.com/bootward/bootward/agent/console"
	"github.com/bootward/bootward/api"
)

// welcome is the head of the first screen: the organisation, and its words for a
// person who may choose.
func (s *session) welcome(o api.Offers) {
	s.organisation(o.Organisation)
	for _, offer := range o.Offers {
		if offer.Mandatory {
			return // nobody is asked
		}
	}
	if o.WelcomeText != "" {
		s.console.Text("%s\n ", o.WelcomeText)
	}
}

// organisation is a heading, if the site has a name to show.
func (s *session) organisation(name string) {
	if name == "" {
		return
	}
	s.console.Text(" \n%s\n%s", name, strings.Repeat("-", min(utf8.RuneCountInString(name), console.Width)))
}

// announce shows what the advertisement has to say before it starts.
func (s *session) announce(o api.Offer) {
	if o.Text != "" {
		s.console.Text(" \n%s\n ", o.Text)
	}
}

// header stands above the steps, or in their place where none are shown.
func (s *session) header() {
	s.organisation(s.job.Organisation)
	if s.job.HideProgress {
		s.console.Text("This computer is being set up: %s.\nPlease wait, and do not switch it off.", s.job.AdvertName)
	}
}
