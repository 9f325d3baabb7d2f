package step

import (
	"context"

	"github.com/bootward/bootward/osd/sequence"
	"github.com/bootward/bootward/osd/sequence/engine"
)

// captureNetworkSettings reads the network of the running system into the variables that applyNetworkSettings takes.
func (x *Executor) captureNetworkSettings(ctx context.Context, s *sequence.CaptureNetworkSettings, env *sequence.Environment) engine.Result {
	if err := x.installed("advertise the sequence to running clients, with this step before the restart into the boot image"); err != nil {
		return failed(err)
	}
	var values []captured
	if s.Adapters {
		links, err := x.Running.Network(ctx)
		if err != nil {
			return failed(err)
		}
		values = adapterVariables(links)
	}
	if s.Membership {
		c, err := x.Running.Settings()
		if err != nil {
			return failed(err)
		}
		kind := map[bool]string{true: joinsDomain, false: joinsWorkgroup}[c.Domain != ""]
		if c.Domain == "" && c.Workgroup == "" {
			kind = ""
		}
		values = append(values, captured{true, "OSDNetworkJoinType", kind},
			captured{c.Workgroup == "", "OSDDomainName", c.Domain}, captured{c.Domain == "", "OSDWorkgroupName", c.Workgroup})
	}
	return capture(env, values)
}
