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
	if err := answered(env, seq, s.answers); err != nil {
		return nil, err
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

// answered sets the answers to the questions of the sequence. What a person typed wins;
// where nobody was asked, a variable of the computer or its collections wins over the
// default.
func answered(env *sequence.Environment, seq *sequence.Sequence, typed map[string]string) error {
	for _, q := range seq.Questions {
		value, ok := typed[q.Variable]
		if !ok {
			if was, _ := env.Get(q.Variable); was != "" {
				continue
			}
			if !q.Unattended() {
				return fmt.Errorf("question %q of the task sequence has no answer, and nobody was asked; give the question a default, or the computer the variable %[2]s; `bootward-agent client run` takes --answer %[2]s=VALUE", q.Prompt, q.Variable)
			}
			value = q.Default
		}
		set := env.Set
		if q.Secret {
			set = env.SetSecret
		}
		if err := set(q.Variable, value); err != nil {
			return fmt.Errorf("answer to %q: %w", q.Prompt, err)
		}
	}
	return nil
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
