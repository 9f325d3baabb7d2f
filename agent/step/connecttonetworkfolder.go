package step

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/bootward/bootward/agent/share"
	"github.com/bootward/bootward/osd/sequence"
	"github.com/bootward/bootward/osd/sequence/engine"
)

// connectToNetworkFolder mounts a share until the next restart.
func (x *Executor) connectToNetworkFolder(ctx context.Context, s *sequence.ConnectToNetworkFolder, env *sequence.Environment) engine.Result {
	public := env.Public()
	var path, to, account string
	err := settingsOf(public, []wantedSetting{
		{&path, s.Path, []string{"SMSConnectNetworkFolderPath"}}, {&to, s.To, nil}, {&account, s.Account, []string{"SMSConnectNetworkFolderAccount"}}})
	if err != nil {
		return failed(err)
	}
	password, err := secret(env, s.Password, "SMSConnectNetworkFolderPassword")
	if err != nil {
		return failed(err)
	}
	if to = filepath.Clean(to); !filepath.IsAbs(to) || to == "/" {
		return failed(fmt.Errorf("to: %q: give the folder where it appears, such as /mnt/share", to))
	}
	if account == "" && password != "" {
		return failed(errors.New("there is a password and no account; name it"))
	}
	where, err := share.Parse(path)
	if err == nil {
		where, err = where.As(account, password)
	}
	if err == nil {
		err = x.Shares.Connect(ctx, where, to)
	}
	if err != nil {
		return failed(err)
	}
	return engine.Result{Output: fmt.Sprintf("%s is at %s", where, to)}
}
