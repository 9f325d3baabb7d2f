package step

import (
	"context"

	"github.com/bootward/bootward/agent/domain"
	"github.com/bootward/bootward/osd/sequence"
	"github.com/bootward/bootward/osd/sequence/engine"
)

// What OSDJoinType and OSDNetworkJoinType say.
const (
	joinsDomain    = "0"
	joinsWorkgroup = "1"
)

// joinDomainOrWorkgroup joins the running system. Its variables are those of the product's step; the ones of Apply
// Network Settings (OSDDomainName and so on) are asked where the step names them.
func (x *Executor) joinDomainOrWorkgroup(ctx context.Context, s *sequence.JoinDomainOrWorkgroup, env *sequence.Environment) engine.Result {
	if err := x.installed("put it behind setupOperatingSystem"); err != nil {
		return failed(err)
	}
	kind := map[bool]string{true: joinsDomain, false: joinsWorkgroup}[s.Domain != ""]
	kind, err := setting(env, kind, "OSDJoinType")
	if err != nil {
		return failed(err)
	}
	if kind == joinsWorkgroup {
		name, err := setting(env, s.Workgroup, "OSDJoinWorkgroupName")
		if err != nil {
			return failed(err)
		}
		return x.joinWorkgroup(ctx, "/", name, env)
	}
	return x.joinDomain(ctx, s, env)
}

func (x *Executor) joinDomain(ctx context.Context, s *sequence.JoinDomainOrWorkgroup, env *sequence.Environment) engine.Result {
	var j domain.Join
	err := settingsOf(env.Public(), []wantedSetting{
		{&j.Host, x.Computer, []string{"OSDComputerName"}}, {&j.Domain, s.Domain, []string{"OSDJoinDomainName"}}, {&j.OU, s.OU, []string{"OSDJoinDomainOUName"}}, {&j.Account, s.Account, []string{"OSDJoinAccount"}}})
	if err != nil {
		return failed(err)
	}
	if j.Password, err = secret(env, s.Password, "OSDJoinPassword"); err != nil {
		return failed(err)
	}
	if err := x.Members.Join(ctx, j); err != nil {
		return failed(err)
	}
	return engine.Result{Output: j.Host + " is a member of the domain " + j.Domain}
}

// joinWorkgroup sets the workgroup of the system at dir, and keeps it in the variables that later steps know it by.
func (x *Executor) joinWorkgroup(ctx context.Context, dir, name string, env *sequence.Environment) engine.Result {
	had, err := x.Members.Workgroup(ctx, dir, name)
	if err != nil {
		return failed(err)
	}
	for variable, value := range map[string]string{"OSDNetworkJoinType": joinsWorkgroup, "OSDWorkgroupName": name} {
		if err := env.Set(variable, value); err != nil {
			return failed(err)
		}
	}
	if !had {
		return engine.Result{Output: "the system has no Samba: the workgroup " + name + " is kept in variables only"}
	}
	return engine.Result{Output: "the workgroup is " + name}
}
