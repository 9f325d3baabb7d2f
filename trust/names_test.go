package trust

import (
	"strings"
	"testing"
)

func TestNames(t *testing.T) {
	if got := SiteName("CEN"); got != "site.cen.bootward.internal" {
		t.Error(got)
	}
	box, site, ok := ParseBoxName(BoxName("Ward-7", "CEN"))
	if box != "ward-7" || site != "CEN" || !ok {
		t.Error(box, site, ok)
	}
	job, box, site, ok := ParseJobName(JobName("j1", "Ward-7", "CEN"))
	if job != "j1" || box != "ward-7" || site != "CEN" || !ok {
		t.Error(job, box, site, ok)
	}
	if !IsPoint("CEN")(PointName("Ward-7", "cen")) || !IsSite("CEN")(SiteName("cen")) {
		t.Error("a name does not fit its own check")
	}
}

func TestNamesRefused(t *testing.T) {
	for _, name := range []string{
		"", "bootward.internal", "cen.bootward.internal", "site.cen.bootward.internal",
		"WARD.cen.bootward.internal", "ward.cen.bootward.internal.", "ward.cen.bootward.internal.evil.org",
		"ward.cenx.bootward.internal", "-a.cen.bootward.internal", "a_b.cen.bootward.internal",
		"*.cen.bootward.internal", ".cen.bootward.internal", "mp.ward.cen.bootward.internal",
		strings.Repeat("a", 64) + ".cen.bootward.internal",
	} {
		if box, site, ok := ParseBoxName(name); ok {
			t.Errorf("%q is box %q of %q", name, box, site)
		}
		if _, _, _, ok := ParseJobName(name); ok {
			t.Errorf("%q is a job", name)
		}
	}
	for _, name := range []string{
		"mp.ward.xxx.bootward.internal", "ward.cen.bootward.internal", "mp.a.b.cen.bootward.internal",
		"xx.ward.cen.bootward.internal", "mp.ward.cen.bootward.internal.evil.org",
	} {
		if IsPoint("CEN")(name) {
			t.Errorf("%q is a point of CEN", name)
		}
	}
}

func FuzzParseJobName(f *testing.F) {
	f.Add("j1.job.ward.cen.bootward.internal")
	f.Add("ward.cen.bootward.internal")
	f.Fuzz(func(t *testing.T, dns string) {
		if job, box, site, ok := ParseJobName(dns); ok && JobName(job, box, site) != dns {
			t.Errorf("%q gives %q, %q, %q", dns, job, box, site)
		}
		if box, site, ok := ParseBoxName(dns); ok && BoxName(box, site) != dns {
			t.Errorf("%q gives %q, %q", dns, box, site)
		}
	})
}
