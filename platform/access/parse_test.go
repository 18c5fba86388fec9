package access

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

// FuzzHash: whatever stands in the database, reading it never panics and never asks for memory without bound; what was hashed is read back.
func FuzzHash(f *testing.F) {
	cost := Cost{Memory: 64, Passes: 1, Threads: 1}
	f.Add(cost.hashPassword("correct horse"))
	f.Add("$argon2id$v=19$m=64,t=1,p=0$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
	f.Add("$argon2id$v=19$m=4294967295,t=1,p=1$AAAA$AAAA")
	f.Add("$2a$10$abcdefghijklmnopqrstuu")
	f.Add("")
	f.Fuzz(func(t *testing.T, stored string) {
		c, salt, sum, ok := parseHash(stored)
		if ok && (c.Memory > maxMemory || c.Memory < 8 || c.Passes == 0 || c.Passes >= 100 || c.Threads == 0 || len(salt) < 8 || len(sum) != hashLen) {
			t.Errorf("%q asks for %+v", stored, c)
		}
	})
}

// FuzzNetwork: whatever a client's address says, its network is one line without spaces.
func FuzzNetwork(f *testing.F) {
	for _, seed := range []string{"203.0.113.7", "::ffff:203.0.113.7", "2001:db8:1:2:3:4:5:6", "fe80::1%eth0", "", "x", "203.0.113.7:80"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, address string) {
		got := network(address)
		if got == "" || len(got) > 43 || strings.ContainsAny(got, " \n%") {
			t.Errorf("%q is in %q", address, got)
		}
	})
}

func TestNetwork(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"203.0.113.7": "203.0.113.7", "::ffff:203.0.113.7": "203.0.113.7", "2001:db8:1:2:3:4:5:6": "2001:db8:1:2::/64", "2001:db8:1:2::9": "2001:db8:1:2::/64", "fe80::1%eth0": "fe80::/64", "x": "unknown",
	} {
		if got := network(address); got != want {
			t.Errorf("%s is in %s, want %s", address, got, want)
		}
	}
}

// TestOneTime compares with the vectors of RFC 6238, appendix B, cut to six digits.
func TestOneTime(t *testing.T) {
	t.Parallel()
	for at, want := range map[int64]string{59: "287082", 1111111109: "081804", 1111111111: "050471", 1234567890: "005924", 2000000000: "279037", 20000000000: "353130"} {
		if got := oneTime([]byte("12345678901234567890"), time.Unix(at, 0).Unix()/30); got != want {
			t.Errorf("at %d: %s, want %s", at, got, want)
		}
	}
}

// TestAreas: an area lies in another when every row of it does.
func TestAreas(t *testing.T) {
	t.Parallel()
	pk, lhe := Area{Countries: []string{"PK"}}, Area{Countries: []string{"PK"}, Locations: []string{"lhe"}}
	for _, tt := range []struct {
		name string
		r    Reach
		in   Area
		want bool
	}{
		{"everything has everything", Reach{}, Area{}, true},
		{"everything has a part", Reach{}, lhe, true},
		{"a part has not everything", Within(pk), Area{}, false},
		{"a country has its branch", Within(pk), lhe, true},
		{"a branch has not its country", Within(lhe), pk, false},
		{"two countries are not one", Within(pk), Area{Countries: []string{"PK", "AE"}}, false},
		{"nothing has nothing", Within(), Area{}, false},
		{"two parts are not their sum", Within(pk, Area{Countries: []string{"AE"}}), Area{Countries: []string{"PK", "AE"}}, false},
		{"the whole among parts is the whole", Within(pk, Area{}), Area{}, true},
	} {
		if got := tt.r.Contains(tt.in); got != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
	if where, args := Within().Where(Orders, "o", nil); where != "false" || len(args) != 0 {
		t.Errorf("nothing is %q", where)
	}
	if where, _ := Within(pk).Where("no such rows", "x", nil); where != "(false)" {
		t.Errorf("rows nobody knows are %q", where)
	}
	if where, _ := (Reach{}).Where(Orders, "o", nil); where != "" {
		t.Errorf("everything is %q", where)
	}
}

// FuzzPasskeyAnswer holds that nothing a browser answers with makes the door fall.
func FuzzPasskeyAnswer(f *testing.F) {
	f.Add("")
	f.Add("{}")
	f.Add(`{"id":"AAAA","rawId":"AAAA","type":"public-key","clientExtensionResults":{},"response":{"clientDataJSON":"e30","authenticatorData":"SZYN5YgOjGh0NBcPZHZgW4_krrmihjLHmVzzuoMdl2MBAAAAAA","signature":"MAA","userHandle":"YQ"}}`)
	f.Add(`{"id":"AAAA","rawId":"AAAA","type":"public-key","clientExtensionResults":{},"response":{"clientDataJSON":"e30","attestationObject":"o2NmbXRkbm9uZWdhdHRTdG10oGhhdXRoRGF0YVgl"}}`)
	f.Add(`{"id":"AAAA","rawId":"AAAA","type":"public-key","response":{"authenticatorData":"________________________________________________________"}}`)
	party, err := relyingParty("https://shop.example.com", "Shop")
	if err != nil {
		f.Fatal(err)
	}
	_, session, err := party.BeginDiscoverableLogin()
	if err != nil {
		f.Fatal(err)
	}
	data, err := json.Marshal(session)
	if err != nil {
		f.Fatal(err)
	}
	u := &Users{party: party}
	f.Fuzz(func(t *testing.T, answer string) {
		c := challenge{kind: aloneIn, data: string(data)}
		if parsed, err := parseAssertion(answer); err == nil {
			if _, err := u.verified(c, holder{user: User{ID: "a"}}, parsed); err == nil {
				t.Error("let in with a passkey that nobody has")
			}
		}
		if _, err := u.made(c, answer); err == nil {
			t.Error("took a passkey for a question that was never asked")
		}
	})
}
