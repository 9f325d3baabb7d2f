package domain

import "testing"

// FuzzSetGlobal: whatever smb.conf there is, it has the workgroup afterwards, once, and stays so.
func FuzzSetGlobal(f *testing.F) {
	f.Add("[global]\nworkgroup=x\n[homes]\n")
	f.Add("a = b\n[ global ]\r\n[global]\n")
	f.Fuzz(func(t *testing.T, conf string) {
		once := setGlobal(conf, "workgroup", "WARD")
		for _, s := range sections(once) {
			if s.name != "global" {
				continue
			}
			if s.values["workgroup"] != "WARD" {
				t.Errorf("%q became %q", conf, once)
			}
			break
		}
		if again := setGlobal(once, "workgroup", "WARD"); again != once {
			t.Errorf("%q, then %q", once, again)
		}
	})
}
