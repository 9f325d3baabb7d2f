package agent

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/bootward/bootward/agent/machine"
	"github.com/bootward/bootward/osd/sequence"
	"github.com/bootward/bootward/osd/status"
)

// environment makes the variables of a fresh run: those of the sequence, then of
// collections and computer, then the built-in ones.
func (s *session) environment(seq *sequence.Sequence) (*sequence.Environment, error) {
	env := sequence.NewEnvironment()
	for _, set := range []map[string]string{seq.Variables, s.job.Variables} {
		for _, name := range slices.Sorted(maps.Keys(set)) {
			if err := env.Set(name, set[name]); err != nil {
				return nil, fmt.Errorf("job %s: %w", s.job.ID, err)
			}
		}
	}
	if _, ok := env.Get("OSDComputerName"); !ok && s.job.Computer != "" {
		if err := env.Set("OSDComputerName", s.job.Computer); err != nil {
			return nil, err
		}
	}
	for name, value := range s.builtIn(seq) {
		if err := env.SetReadOnly(name, value); err != nil {
			return nil, fmt.Errorf("variable %s: %w", name, err)
		}
	}
	zone, ok := env.Get("OSDTimeZone")
	if !ok {
		zone = "UTC" // the boot image's own
	}
	return env, env.SetReadOnly("_SMSTSTimezone", zone)
}

// builtIn are the read-only variables, as they are where the agent runs now.
func (s *session) builtIn(seq *sequence.Sequence) map[string]string {
	v := s.hardware.Variables()
	maps.Copy(v, map[string]string{
		"_SMSTSInWinPE":         strconv.FormatBool(s.stage == status.StageBootImage),
		"_SMSTSLaunchMode":      s.launchMode(),
		"_SMSTSMediaType":       s.mediaType(),
		"_SMSTSOrgName":         s.job.Organisation,
		"_TSSecureBoot":         machine.SecureBootState(os.DirFS("/sys")),
		"_SMSTSMP":              s.client.Base,
		"_SMSTSSiteCode":        s.anchor.Site,
		"_SMSTSMachineName":     s.job.Computer,
		"_SMSTSAdvertID":        s.job.Advertisement,
		"_SMSTSPackageID":       s.job.Sequence.ID,
		"_SMSTSPackageName":     s.job.Sequence.Name,
		"_SMSTSBootImageID":     s.job.Sequence.BootImage,
		"_SMSTSLogPath":         s.logPath(),
		"_SMSTSIPAddresses":     strings.Join(s.network.ips, ","),
		"_SMSTSDefaultGateways": strings.Join(s.network.gateways, ","),
	})
	return v
}
