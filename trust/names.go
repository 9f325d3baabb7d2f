package trust

import (
	"fmt"
	"strings"
)

// Domain is the parent of all names in certificates. It is under .internal,
// which ICANN reserved for private use, and is never looked up in DNS.
const Domain = "bootward.internal"

// SiteName is the name in the certificate of a site server.
func SiteName(site string) string { return "site." + siteDomain(site) }

// BoxName is the name in a box's client certificate, and the subtree to
// which its intermediate is constrained. Letters are folded to lower case.
func BoxName(box, site string) string { return strings.ToLower(box) + "." + siteDomain(site) }

// PointName is the name in the server certificate of a box's management
// point and distribution point.
func PointName(box, site string) string { return "mp." + BoxName(box, site) }

// JobName is the name in the client certificate of a job.
func JobName(job, box, site string) string {
	return strings.ToLower(job) + ".job." + BoxName(box, site)
}

// PersonName is the name in the client certificate of a person.
func PersonName(person, site string) string {
	return strings.ToLower(person) + "." + personLabel + "." + siteDomain(site)
}

// personLabel stands where a box's name would: no box may be called so.
const personLabel = "person"

// ParsePersonName takes the name of a person's certificate apart. The person's
// name comes in lower case, the site's code in upper case.
func ParsePersonName(dns string) (person, site string, ok bool) {
	labels, ok := labelsBelowDomain(dns)
	if !ok || len(labels) != 3 || labels[1] != personLabel || checkLabel(labels[0]) != nil || checkSite(labels[2]) != nil {
		return "", "", false
	}
	return labels[0], strings.ToUpper(labels[2]), true
}

// ParseBoxName takes the name of a box's client certificate apart. The box's
// name comes in lower case, the site's code in upper case; to know whether a
// certificate is that of a certain box, compare its name with BoxName.
func ParseBoxName(dns string) (box, site string, ok bool) {
	labels, ok := labelsBelowDomain(dns)
	if !ok || len(labels) != 2 || checkBox(labels[0]) != nil || checkSite(labels[1]) != nil {
		return "", "", false
	}
	return labels[0], strings.ToUpper(labels[1]), true
}

// ParseJobName takes the name of a job's certificate apart. Job and box come
// in lower case, the site's code in upper case.
func ParseJobName(dns string) (job, box, site string, ok bool) {
	labels, ok := labelsBelowDomain(dns)
	if !ok || len(labels) != 4 || labels[1] != "job" || checkLabel(labels[0]) != nil ||
		checkBox(labels[2]) != nil || checkSite(labels[3]) != nil {
		return "", "", "", false
	}
	return labels[0], labels[2], strings.ToUpper(labels[3]), true
}

// IsPoint makes the check that an agent hands to ClientTLS: any management
// point of the site.
func IsPoint(site string) func(dns string) bool {
	return func(dns string) bool {
		labels, ok := labelsBelowDomain(dns)
		return ok && len(labels) == 3 && labels[0] == "mp" && dns == PointName(labels[1], site)
	}
}

// IsSite makes the check that a box hands to ClientTLS: the site's server.
func IsSite(site string) func(dns string) bool {
	return func(dns string) bool { return dns == SiteName(site) }
}

func siteDomain(site string) string { return strings.ToLower(site) + "." + Domain }

// labelsBelowDomain splits what stands before Domain. Certificates hold lower
// case only, so anything else is not ours.
func labelsBelowDomain(dns string) ([]string, bool) {
	rest, ok := strings.CutSuffix(dns, "."+Domain)
	if !ok || dns != strings.ToLower(dns) || len(dns) > 253 {
		return nil, false
	}
	return strings.Split(rest, "."), true
}

func checkSite(site string) error {
	if len(site) != 3 || checkLabel(site) != nil || strings.Contains(site, "-") {
		return fmt.Errorf("site code %q: give three letters or digits, such as CEN", site)
	}
	return nil
}

// checkBox keeps a box from being called like the site's server, and from an
// intermediate that could sign for persons.
func checkBox(box string) error {
	if err := checkLabel(box); err != nil {
		return fmt.Errorf("box: %w", err)
	}
	for _, taken := range []string{"site", personLabel} {
		if strings.EqualFold(box, taken) {
			return fmt.Errorf("box: name %q is taken; give the box another name", box)
		}
	}
	return nil
}

// checkLabel takes a label of a host name (RFC 1123, section 2.1).
func checkLabel(s string) error {
	bad := s == "" || len(s) > 63 || s[0] == '-' || s[len(s)-1] == '-'
	for i := 0; i < len(s) && !bad; i++ {
		c := s[i] | 0x20
		bad = (c < 'a' || c > 'z') && (s[i] < '0' || s[i] > '9') && s[i] != '-'
	}
	if bad {
		return fmt.Errorf("name %q: give 1 to 63 letters, digits and hyphens", s)
	}
	return nil
}
