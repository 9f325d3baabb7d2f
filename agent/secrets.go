package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/internal/supervisor"
	"github.com/bootward/bootward/osd/sequence"
	"github.com/bootward/bootward/trust"
)

// How long a step waits for a box that cannot be reached to release its secrets.
const (
	secretsPatience = 10 * time.Minute
	secretsRetry    = 5 * time.Second
)

// secrets asks the box for the secrets of a step. The box goes by the messages of
// the job, so it gets all of them first. The key is made for this step, lives in
// memory, and is the same in each try: a lost answer is given again.
func (s *session) secrets(ctx context.Context, line sequence.Line) (map[string]string, error) {
	key, err := trust.NewSealingKey()
	if err != nil {
		return nil, err
	}
	limited, cancel := context.WithTimeout(ctx, secretsPatience)
	defer cancel()
	if err := s.box.Flush(limited); err != nil {
		return nil, err
	}
	s.log.Info("ask the box for the secrets of the step", "number", line.Number)
	for {
		sealed, err := s.askSecrets(limited, line.Number, key)
		switch {
		case err == nil:
			values, err := openSecrets(key, s.job.ID, line.Number, sealed)
			s.hidden.add(slices.Collect(maps.Values(values))...)
			return values, err
		case api.Final(err):
			return nil, err
		}
		s.log.Warn("the box has not released the secrets of the step, tried again", "number", line.Number, "error", err)
		if !supervisor.Sleep(limited, secretsRetry) {
			return nil, errors.Join(err, limited.Err())
		}
	}
}

func (s *session) askSecrets(ctx context.Context, step int, key *trust.SealingKey) ([]byte, error) {
	short, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	got, err := s.client.Secrets(short, api.AskSecrets{Step: step, Key: key.Public()})
	return got.Sealed, err
}

// openSecrets opens what the box sealed to the key. Its errors name no value.
func openSecrets(key *trust.SealingKey, job string, step int, sealed []byte) (map[string]string, error) {
	raw, err := key.Open(api.SecretsContext(job, step), sealed)
	if err != nil {
		return nil, err
	}
	var values map[string]string
	if json.Unmarshal(raw, &values) != nil { // its error could show a part
		return nil, fmt.Errorf("the secrets of step %d are not what was agreed on; update the boot image or the box", step)
	}
	return values, nil
}
