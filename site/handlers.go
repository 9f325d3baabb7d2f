package site

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/bootward/bootward/api"
	"github.com/bootward/bootward/osd"
	"github.com/bootward/bootward/osd/document"
	"github.com/bootward/bootward/site/store"
)

// The handlers: read the request, call the site, write the answer.

// answer writes a value unless there is an error.
func answer[T any](w http.ResponseWriter, v T, err error) error {
	if err != nil {
		return err
	}
	return writeJSON(w, v)
}

func (s *Site) getOpenAPI(w http.ResponseWriter, _ *http.Request, _ caller) error {
	b, err := s.document()
	return answer(w, json.RawMessage(b), err)
}

func (s *Site) getHealth(w http.ResponseWriter, r *http.Request, _ caller) error {
	err := s.store.Read(r.Context(), func(x store.Tx) error {
		_, err := x.Epoch()
		return err
	})
	return answer(w, map[string]string{"site": s.code, "version": s.version}, err)
}

func (s *Site) getAnchor(w http.ResponseWriter, _ *http.Request, _ caller) error {
	return writeJSON(w, json.RawMessage(s.rawAnchor))
}

func (s *Site) getWhoAmI(w http.ResponseWriter, r *http.Request, c caller) error {
	out := api.Person{Name: c.person}
	err := s.see(r.Context(), c.person, func(_ store.Tx, w world) error {
		if p := w.viewer; p != nil {
			out.Role, out.Rights = p.Role, p.Rights
		}
		return nil
	})
	return answer(w, out, err)
}

func (s *Site) postApply(w http.ResponseWriter, r *http.Request, c caller) error {
	var in api.Apply
	if err := readJSON(r, &in); err != nil {
		return err
	}
	out, err := s.Apply(r.Context(), c.person, in)
	return answer(w, out, err)
}

// kindOf reads the kind of the path.
func kindOf(r *http.Request) (osd.Kind, error) {
	k := osd.Kind(r.PathValue("kind"))
	if document.New(k) == nil {
		return "", api.Errorf(api.CodeNotFound, string(k), "is no kind of object").WithRemedy("the kinds are %v", osd.Kinds())
	}
	return k, nil
}

func (s *Site) getList(w http.ResponseWriter, r *http.Request, c caller) error {
	k, err := kindOf(r)
	if err != nil {
		return err
	}
	out, err := s.List(r.Context(), c.person, k)
	return answer(w, out, err)
}

func (s *Site) getObject(w http.ResponseWriter, r *http.Request, c caller) error {
	k, err := kindOf(r)
	if err != nil {
		return err
	}
	out, err := s.Get(r.Context(), c.person, k, r.PathValue("name"))
	return answer(w, out, err)
}

func (s *Site) postToken(w http.ResponseWriter, r *http.Request, c caller) error {
	out, err := s.EnrolToken(r.Context(), c.person, r.PathValue("name"))
	return answer(w, out, err)
}

func (s *Site) getBoxes(w http.ResponseWriter, r *http.Request, c caller) error {
	out, err := s.Boxes(r.Context(), c.person)
	return answer(w, out, err)
}

func (s *Site) postImport(w http.ResponseWriter, r *http.Request, c caller) error {
	// A WIM of many gigabytes takes minutes to verify.
	if err := deadlines(w, 2*time.Hour); err != nil {
		return err
	}
	var in api.Import
	if err := readJSON(r, &in); err != nil {
		return err
	}
	out, err := s.Import(r.Context(), c.person, in)
	return answer(w, out, err)
}

// number reads a number of the query; 0 when it is left out.
func number(r *http.Request, name string) (int64, error) {
	v := r.URL.Query().Get(name)
	if v == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(v, 10, 64)
	if err != nil || n < 0 {
		return 0, api.Errorf(api.CodeInvalid, name, "%q is no number", v)
	}
	return n, nil
}

func (s *Site) getMessages(w http.ResponseWriter, r *http.Request, c caller) error {
	after, err := number(r, "after")
	if err != nil {
		return err
	}
	q := r.URL.Query()
	out, err := s.Messages(r.Context(), c.person, store.MessageFilter{
		Computer: q.Get("computer"), Advertisement: q.Get("advertisement"), Job: q.Get("job"), After: after,
	})
	return answer(w, out, err)
}

func (s *Site) getFlight(w http.ResponseWriter, r *http.Request, c caller) error {
	out, err := s.Flight(r.Context(), c.person, r.URL.Query().Get("client"))
	return answer(w, out, err)
}

func (s *Site) getJobs(w http.ResponseWriter, r *http.Request, c caller) error {
	out, err := s.Jobs(r.Context(), c.person)
	return answer(w, out, err)
}

func (s *Site) getAudit(w http.ResponseWriter, r *http.Request, _ caller) error {
	after, err := number(r, "after")
	if err != nil {
		return err
	}
	out, err := s.AuditLog(r.Context(), after)
	return answer(w, out, err)
}

func (s *Site) postGrants(w http.ResponseWriter, r *http.Request, c caller) error {
	var in api.GrantAgain
	if err := readJSON(r, &in); err != nil {
		return err
	}
	out, err := s.GrantAgain(r.Context(), c.person, r.PathValue("name"), in)
	return answer(w, out, err)
}

func (s *Site) postEnrol(w http.ResponseWriter, r *http.Request, _ caller) error {
	if !s.enrols.Allow() {
		return api.Errorf(api.CodeTooMany, "enrol", "too many boxes try to enrol at once").WithRemedy("try again in a minute")
	}
	var in api.Enrol
	if err := readJSON(r, &in); err != nil {
		return err
	}
	out, err := s.Enrol(r.Context(), in)
	return answer(w, out, err)
}

func (s *Site) postCheckIn(w http.ResponseWriter, r *http.Request, c caller) error {
	var in api.CheckIn
	if err := readJSON(r, &in); err != nil {
		return err
	}
	out, err := s.CheckIn(r.Context(), c.box.ID, in)
	return answer(w, out, err)
}

func (s *Site) getPolicy(w http.ResponseWriter, r *http.Request, c caller) error {
	have, err := ParseVersion(r.URL.Query().Get("have"))
	if err != nil {
		return api.Errorf(api.CodeInvalid, "have", "%v", err)
	}
	seconds, err := number(r, "wait")
	if err != nil {
		return err
	}
	wait := min(time.Duration(min(seconds, 86400))*time.Second, MaxWait)
	if err := deadlines(w, wait+writeTime+patience); err != nil {
		return err
	}
	var wanted <-chan struct{}
	sendsLogs := r.URL.Query().Get("logs") == "true"
	if sendsLogs {
		var leave func()
		wanted, leave = s.logs.poll(c.box.ID)
		defer leave()
	}
	p, err := s.WaitPolicy(r.Context(), c.box.ID, have, wait, wanted)
	if err != nil {
		return err
	}
	if sendsLogs {
		if err := tellLogs(w, s.logs.tell(c.box.ID)); err != nil {
			return err
		}
	}
	if p == nil {
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_, err = w.Write(p.Envelope)
	return err
}

// tellLogs tells a box which logs are wanted of it.
func tellLogs(w http.ResponseWriter, wanted []api.LogWanted) error {
	if len(wanted) == 0 {
		return nil
	}
	raw, err := json.Marshal(wanted)
	w.Header().Set(api.LogsWanted, string(raw))
	return err
}

func (s *Site) postEvents(w http.ResponseWriter, r *http.Request, c caller) error {
	var in api.EventBatch
	if err := readJSON(r, &in); err != nil {
		return err
	}
	out, err := s.TakeEvents(r.Context(), c.box.ID, in)
	return answer(w, out, err)
}
