package access_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/go-webauthn/webauthn/protocol/webauthncbor"
	"github.com/google/go-cmp/cmp"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/access"
	"github.com/openclaw-pos/commerce/platform/audit"
	"github.com/openclaw-pos/commerce/platform/db"
)

const shopAt = "https://shop.example.com"

// device is an authenticator in software: one key pair, as browsers speak of it.
type device struct {
	key    *ecdsa.PrivateKey
	id     []byte
	user   []byte
	count  uint32
	origin string // what the browser says where it is
	host   string // what the browser lets it sign for
	proves bool   // that its owner holds it, by finger or PIN
}

func newDevice(t *testing.T) *device {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	id := make([]byte, 32)
	_, _ = rand.Read(id)
	return &device{key: key, id: id, origin: shopAt, host: "shop.example.com", proves: true}
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// asked are the parts of a question that a device looks at.
type asked struct {
	PublicKey struct {
		Challenge string
		User      struct{ ID string }
	}
}

func read(t *testing.T, c access.Ceremony) asked {
	t.Helper()
	var a asked
	if err := json.Unmarshal(c.Options, &a); err != nil {
		t.Fatal(err)
	}
	return a
}

// client is what the browser says it was asked, and where.
func (d *device) client(t *testing.T, kind, challenge string) []byte {
	t.Helper()
	text, err := json.Marshal(map[string]any{"type": kind, "challenge": challenge, "origin": d.origin, "crossOrigin": false})
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// state is the authenticator data: whose site, who was there, how often it has signed.
func (d *device) state(more byte) []byte {
	sum := sha256.Sum256([]byte(d.host))
	flags := byte(0x01) | more
	if d.proves {
		flags |= 0x04
	}
	return binary.BigEndian.AppendUint32(append(sum[:], flags), d.count)
}

// makes answers a question for a new passkey.
func (d *device) makes(t *testing.T, c access.Ceremony) string {
	t.Helper()
	a := read(t, c)
	user, err := base64.RawURLEncoding.DecodeString(a.PublicKey.User.ID)
	if err != nil {
		t.Fatal(err)
	}
	d.user = user
	point, err := d.key.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	cose, err := webauthncbor.Marshal(map[int]any{1: 2, 3: -7, -1: 1, -2: point[1:33], -3: point[33:]})
	if err != nil {
		t.Fatal(err)
	}
	data := append(d.state(0x40), make([]byte, 16)...)
	data = append(binary.BigEndian.AppendUint16(data, uint16(len(d.id))), d.id...)
	object, err := webauthncbor.Marshal(map[string]any{"fmt": "none", "attStmt": map[string]any{}, "authData": append(data, cose...)})
	if err != nil {
		t.Fatal(err)
	}
	return d.says(t, map[string]any{"clientDataJSON": b64(d.client(t, "webauthn.create", a.PublicKey.Challenge)), "attestationObject": b64(object)})
}

// signs answers a question of who signs in.
func (d *device) signs(t *testing.T, c access.Ceremony) string {
	t.Helper()
	d.count++
	client, state := d.client(t, "webauthn.get", read(t, c).PublicKey.Challenge), d.state(0)
	said := sha256.Sum256(client)
	sum := sha256.Sum256(append(state, said[:]...))
	sign, err := ecdsa.SignASN1(rand.Reader, d.key, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	return d.says(t, map[string]any{"clientDataJSON": b64(client), "authenticatorData": b64(d.state(0)), "signature": b64(sign), "userHandle": b64(d.user)})
}

func (d *device) says(t *testing.T, response map[string]any) string {
	t.Helper()
	text, err := json.Marshal(map[string]any{"id": b64(d.id), "rawId": b64(d.id), "type": "public-key", "clientExtensionResults": map[string]any{}, "response": response})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// eachHolder runs a test with somebody who has signed in, at a server with an address.
func eachHolder(t *testing.T, f func(t *testing.T, p people, u access.User, s access.Session)) {
	t.Helper()
	setup(t, func(t *testing.T, w world) {
		opt := cheap
		opt.Address = shopAt + "/"
		users, err := access.OpenUsers(t.Context(), w.db, w.vault, w.log, opt)
		if err != nil {
			t.Fatal(err)
		}
		p := people{w, users}
		u := p.add(t, "bilal@example.com", access.Grant{Role: access.Picker})
		f(t, p, u, p.in(t, try("bilal@example.com", password, "203.0.113.7")).Session)
	})
}

// has gives a person a passkey.
func (p people) has(t *testing.T, s access.Session, name string) (*device, access.Passkey) {
	t.Helper()
	d := newDevice(t)
	c, err := p.NewPasskey(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	k, err := p.AddPasskey(t.Context(), s, c.Token.Reveal(), d.makes(t, c), name)
	if err != nil {
		t.Fatal(err)
	}
	return d, k
}

// alone tries to sign in with a passkey and nothing else.
func (p people) alone(t *testing.T, d *device) (access.SignedIn, error) {
	t.Helper()
	c, err := p.AskPasskey(t.Context(), "203.0.113.7")
	if err != nil {
		t.Fatal(err)
	}
	return p.answers(t, c, d.signs(t, c))
}

func (p people) answers(t *testing.T, c access.Ceremony, answer string) (access.SignedIn, error) {
	t.Helper()
	return p.SignInPasskey(t.Context(), access.PasskeyAnswer{Token: c.Token.Reveal(), Answer: answer, Address: "203.0.113.7", Agent: "Browser/1"})
}

func (p people) passkeys(t *testing.T, user string) (all []access.Passkey) {
	t.Helper()
	if err := p.db.Read(t.Context(), func(tx *db.Tx) (err error) {
		all, err = access.Passkeys(tx, user)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return all
}

// did fails unless these are the acts in the audit log about a person, oldest first.
func (p people) did(t *testing.T, user string, want ...string) {
	t.Helper()
	var got []string
	if err := p.db.Read(t.Context(), func(tx *db.Tx) error {
		rows, err := p.log.List(tx, audit.Filter{SubjectKind: "user", Subject: user}, 0, 100)
		for _, r := range rows {
			got = append([]string{r.Action}, got...)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func refused(t *testing.T, err error, code string) {
	t.Helper()
	if fault.CodeOf(err) != code {
		t.Errorf("want %q, got %v", code, err)
	}
}

func TestPasskey(t *testing.T) {
	t.Parallel()
	t.Run("who holds one is let in without a password", func(t *testing.T) {
		t.Parallel()
		eachHolder(t, func(t *testing.T, p people, u access.User, s access.Session) {
			d, k := p.has(t, s, "  My phone\n")
			if k.Name != "My phone" || k.UserID != u.ID || !k.UsedAt.IsZero() {
				t.Errorf("passkey: %+v", k)
			}
			for range 2 {
				in, err := p.alone(t, d)
				if err != nil {
					t.Fatal(err)
				}
				got, err := p.SessionOf(t.Context(), in.Token.Reveal())
				if err != nil || got.Caller.Actor() != "user:"+u.ID || in.Device.Reveal() == "" {
					t.Errorf("session: %+v, %v", got, err)
				}
			}
			if all := p.passkeys(t, u.ID); len(all) != 1 || all[0].UsedAt.IsZero() {
				t.Errorf("passkeys: %+v", all)
			}
			p.did(t, u.ID, "user.add", "sign_in", "passkey.add", "sign_in", "sign_in")
		})
	})
	t.Run("beside a password it is asked for, and the password alone is not enough", func(t *testing.T) {
		t.Parallel()
		eachHolder(t, func(t *testing.T, p people, _ access.User, s access.Session) {
			d, _ := p.has(t, s, "")
			d.proves = false // that somebody touched it is enough beside a password
			in, err := p.SignIn(t.Context(), try("bilal@example.com", password, "203.0.113.7"))
			refused(t, err, "passkey_needed")
			if in.Token.Reveal() != "" {
				t.Fatal("let in by the password alone")
			}
			a := try("bilal@example.com", password, "203.0.113.7")
			a.Code = "123456"
			_, err = p.SignIn(t.Context(), a)
			refused(t, err, "passkey_needed")
			if in, err = p.answers(t, in.Second, d.signs(t, in.Second)); err != nil || in.Token.Reveal() == "" {
				t.Fatal(err)
			}
			_, err = p.SignIn(t.Context(), try("bilal@example.com", password+"x", "203.0.113.7"))
			refused(t, err, "sign_in")
		})
	})
	t.Run("who has codes too may use either", func(t *testing.T) {
		t.Parallel()
		eachHolder(t, func(t *testing.T, p people, u access.User, s access.Session) {
			e, err := p.Enrol(t.Context(), u.ID)
			if err != nil {
				t.Fatal(err)
			}
			if err := p.Confirm(t.Context(), u.ID, code(t, e.Secret.Reveal(), p.clock.Now())); err != nil {
				t.Fatal(err)
			}
			d, _ := p.has(t, s, "")
			in, err := p.SignIn(t.Context(), try("bilal@example.com", password, "203.0.113.7"))
			refused(t, err, "code_needed")
			if _, err := p.answers(t, in.Second, d.signs(t, in.Second)); err != nil {
				t.Error(err)
			}
			p.clock.Advance(time.Minute)
			a := try("bilal@example.com", password, "203.0.113.7")
			a.Code = code(t, e.Secret.Reveal(), p.clock.Now())
			p.in(t, a)
		})
	})
	t.Run("one that is removed or dropped lets nobody in, and the password does again", func(t *testing.T) {
		t.Parallel()
		eachHolder(t, func(t *testing.T, p people, u access.User, s access.Session) {
			d, k := p.has(t, s, "")
			other, _ := p.has(t, s, "")
			if err := p.RenamePasskey(t.Context(), s, k.ID, "Old phone"); err != nil {
				t.Error(err)
			}
			if err := p.RemovePasskey(t.Context(), s, k.ID); err != nil {
				t.Fatal(err)
			}
			if err := p.RemovePasskey(t.Context(), s, k.ID); !fault.Is(err, fault.NotFound) {
				t.Error(err)
			}
			_, err := p.alone(t, d)
			refused(t, err, "passkey")
			if _, err := p.alone(t, other); err != nil {
				t.Error(err)
			}
			for range 2 {
				if err := p.DropPasskeys(t.Context(), amina, u.ID); err != nil {
					t.Fatal(err)
				}
			}
			_, err = p.alone(t, other)
			refused(t, err, "passkey")
			p.in(t, try("bilal@example.com", password, "203.0.113.7"))
			p.did(t, u.ID, "user.add", "sign_in", "passkey.add", "passkey.add", "passkey.rename", "passkey.remove", "sign_in.refused", "sign_in", "passkey.drop", "sign_in.refused", "sign_in")
		})
	})
	t.Run("nobody touches another's", func(t *testing.T) {
		t.Parallel()
		eachHolder(t, func(t *testing.T, p people, u access.User, s access.Session) {
			_, k := p.has(t, s, "Mine")
			p.add(t, "sana@example.com", access.Grant{Role: access.Picker})
			hers := p.in(t, try("sana@example.com", password, "203.0.113.8")).Session
			for _, err := range []error{p.RenamePasskey(t.Context(), hers, k.ID, "x"), p.RemovePasskey(t.Context(), hers, k.ID)} {
				if !fault.Is(err, fault.NotFound) {
					t.Error(err)
				}
			}
			c, err := p.NewPasskey(t.Context(), s)
			if err != nil {
				t.Fatal(err)
			}
			_, err = p.AddPasskey(t.Context(), hers, c.Token.Reveal(), newDevice(t).makes(t, c), "")
			refused(t, err, "challenge")
			if err := p.DropPasskeys(t.Context(), p.add(t, "adi@example.com").Caller(), u.ID); !fault.Is(err, fault.Forbidden) {
				t.Errorf("dropped by who has fewer rights: %v", err)
			}
		})
	})
	t.Run("it is added and removed from a new session only", func(t *testing.T) {
		t.Parallel()
		eachHolder(t, func(t *testing.T, p people, _ access.User, s access.Session) {
			_, k := p.has(t, s, "")
			c, err := p.NewPasskey(t.Context(), s)
			if err != nil {
				t.Fatal(err)
			}
			p.clock.Advance(16 * time.Minute)
			_, err = p.NewPasskey(t.Context(), s)
			refused(t, err, "stale_session")
			_, err = p.AddPasskey(t.Context(), s, c.Token.Reveal(), "{}", "")
			refused(t, err, "stale_session")
			refused(t, p.RemovePasskey(t.Context(), s, k.ID), "stale_session")
		})
	})
}

func TestPasskeyRefused(t *testing.T) {
	t.Parallel()
	answers := map[string]func(t *testing.T, p people, u access.User, d *device) (c access.Ceremony, answer, code string){
		"a page elsewhere": func(t *testing.T, p people, _ access.User, d *device) (access.Ceremony, string, string) {
			d.origin = "https://shop.example.org"
			c := p.question(t)
			return c, d.signs(t, c), "passkey"
		},
		"another port": func(t *testing.T, p people, _ access.User, d *device) (access.Ceremony, string, string) {
			d.origin += ":8443"
			c := p.question(t)
			return c, d.signs(t, c), "passkey"
		},
		"a signature for another site": func(t *testing.T, p people, _ access.User, d *device) (access.Ceremony, string, string) {
			d.host = "example.com"
			c := p.question(t)
			return c, d.signs(t, c), "passkey"
		},
		"an owner who was not verified": func(t *testing.T, p people, _ access.User, d *device) (access.Ceremony, string, string) {
			d.proves = false
			c := p.question(t)
			return c, d.signs(t, c), "passkey"
		},
		"the answer to another question": func(t *testing.T, p people, _ access.User, d *device) (access.Ceremony, string, string) {
			return p.question(t), d.signs(t, p.question(t)), "passkey"
		},
		"a question of nobody": func(t *testing.T, p people, _ access.User, d *device) (access.Ceremony, string, string) {
			c := p.question(t)
			answer := d.signs(t, c)
			c.Token = p.in(t, try("sana@example.com", password, "203.0.113.8")).Token
			return c, answer, "challenge"
		},
		"an answer that came too late": func(t *testing.T, p people, _ access.User, d *device) (access.Ceremony, string, string) {
			c := p.question(t)
			p.clock.Advance(5*time.Minute + time.Second)
			return c, d.signs(t, c), "challenge"
		},
		"another key": func(t *testing.T, p people, _ access.User, d *device) (access.Ceremony, string, string) {
			d.key = newDevice(t).key
			c := p.question(t)
			return c, d.signs(t, c), "passkey"
		},
		"another person": func(t *testing.T, p people, _ access.User, d *device) (access.Ceremony, string, string) {
			d.user = []byte(p.in(t, try("sana@example.com", password, "203.0.113.8")).Session.UserID)
			c := p.question(t)
			return c, d.signs(t, c), "passkey"
		},
		"nobody we know": func(t *testing.T, p people, _ access.User, d *device) (access.Ceremony, string, string) {
			d.user = []byte("\x00\xff")
			c := p.question(t)
			return c, d.signs(t, c), "passkey"
		},
		"who may not sign in any more": func(t *testing.T, p people, u access.User, d *device) (access.Ceremony, string, string) {
			no := false
			if _, err := p.Change(t.Context(), amina, u.ID, 0, access.Change{Enabled: &no}); err != nil {
				t.Fatal(err)
			}
			c := p.question(t)
			return c, d.signs(t, c), "passkey"
		},
		"no answer at all": func(t *testing.T, p people, _ access.User, _ *device) (access.Ceremony, string, string) {
			return p.question(t), "", "passkey"
		},
		"a book": func(t *testing.T, p people, _ access.User, _ *device) (access.Ceremony, string, string) {
			return p.question(t), `{"id":"` + strings.Repeat("A", 1<<17) + `"}`, "passkey"
		},
	}
	for name, of := range answers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			eachHolder(t, func(t *testing.T, p people, u access.User, s access.Session) {
				p.add(t, "sana@example.com", access.Grant{Role: access.Picker})
				d, _ := p.has(t, s, "")
				c, answer, code := of(t, p, u, d)
				in, err := p.answers(t, c, answer)
				refused(t, err, code)
				if in.Token.Reveal() != "" {
					t.Error("let in")
				}
			})
		})
	}
	t.Run("the same answer a second time", func(t *testing.T) {
		t.Parallel()
		eachHolder(t, func(t *testing.T, p people, _ access.User, s access.Session) {
			d, _ := p.has(t, s, "")
			c := p.question(t)
			answer := d.signs(t, c)
			if _, err := p.answers(t, c, answer); err != nil {
				t.Fatal(err)
			}
			_, err := p.answers(t, c, answer)
			refused(t, err, "challenge")
			_, err = p.answers(t, p.question(t), answer)
			refused(t, err, "passkey")
		})
	})
	t.Run("a right answer after a wrong one to the same question", func(t *testing.T) {
		t.Parallel()
		eachHolder(t, func(t *testing.T, p people, _ access.User, s access.Session) {
			d, _ := p.has(t, s, "")
			c := p.question(t)
			_, err := p.answers(t, c, "{}")
			refused(t, err, "passkey")
			_, err = p.answers(t, c, d.signs(t, c))
			refused(t, err, "challenge")
		})
	})
	t.Run("a copy, by its counter, and from then on the original too", func(t *testing.T) {
		t.Parallel()
		eachHolder(t, func(t *testing.T, p people, u access.User, s access.Session) {
			d, _ := p.has(t, s, "")
			d.count = 7
			if _, err := p.alone(t, d); err != nil {
				t.Fatal(err)
			}
			d.count = 5
			_, err := p.alone(t, d)
			refused(t, err, "passkey")
			d.count = 100
			_, err = p.alone(t, d)
			refused(t, err, "passkey")
			if all := p.passkeys(t, u.ID); len(all) != 1 || all[0].StoppedAt.IsZero() {
				t.Errorf("passkeys: %+v", all)
			}
			_, err = p.SignIn(t.Context(), try("bilal@example.com", password, "203.0.113.7"))
			refused(t, err, "passkey_needed") // a copy does not take the second proof away
			p.did(t, u.ID, "user.add", "sign_in", "passkey.add", "sign_in", "passkey.stop", "sign_in.refused")
		})
	})
	t.Run("the second step after the password has changed", func(t *testing.T) {
		t.Parallel()
		eachHolder(t, func(t *testing.T, p people, u access.User, s access.Session) {
			d, _ := p.has(t, s, "")
			in, err := p.SignIn(t.Context(), try("bilal@example.com", password, "203.0.113.7"))
			refused(t, err, "passkey_needed")
			token, _, err := p.Reset(t.Context(), amina, u.ID)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := p.Accept(t.Context(), token.Reveal(), password+" anew"); err != nil {
				t.Fatal(err)
			}
			_, err = p.answers(t, in.Second, d.signs(t, in.Second))
			refused(t, err, "passkey")
		})
	})
	t.Run("a passkey that is made elsewhere, or twice", func(t *testing.T) {
		t.Parallel()
		eachHolder(t, func(t *testing.T, p people, u access.User, s access.Session) {
			for _, spoil := range []func(d *device){func(d *device) { d.origin = "https://shop.example.org" }, func(d *device) { d.host = "example.org" }} {
				d := newDevice(t)
				spoil(d)
				c, err := p.NewPasskey(t.Context(), s)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := p.AddPasskey(t.Context(), s, c.Token.Reveal(), d.makes(t, c), ""); !fault.Is(err, fault.Invalid) {
					t.Error(err)
				}
			}
			d, _ := p.has(t, s, "")
			c, err := p.NewPasskey(t.Context(), s)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := p.AddPasskey(t.Context(), s, c.Token.Reveal(), d.makes(t, c), ""); !fault.Is(err, fault.Conflict) {
				t.Error(err)
			}
			if n := len(p.passkeys(t, u.ID)); n != 1 {
				t.Errorf("%d passkeys", n)
			}
		})
	})
}

// question asks who is there.
func (p people) question(t *testing.T) access.Ceremony {
	t.Helper()
	c, err := p.AskPasskey(t.Context(), "203.0.113.7")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestPasskeyTries(t *testing.T) {
	t.Parallel()
	t.Run("a network that asks and asks waits, and others do not", func(t *testing.T) {
		t.Parallel()
		eachHolder(t, func(t *testing.T, p people, _ access.User, s access.Session) {
			d, _ := p.has(t, s, "")
			var err error
			for range 60 {
				if _, err = p.AskPasskey(t.Context(), "198.51.100.9"); err != nil {
					break
				}
			}
			if !fault.Is(err, fault.Throttled) || fault.After(err) <= 0 {
				t.Errorf("asked 60 times: %v", err)
			}
			if _, err := p.alone(t, d); err != nil {
				t.Error(err)
			}
		})
	})
	t.Run("who is let in has used no try", func(t *testing.T) {
		t.Parallel()
		eachHolder(t, func(t *testing.T, p people, _ access.User, s access.Session) {
			d, _ := p.has(t, s, "")
			for range 55 {
				if _, err := p.alone(t, d); err != nil {
					t.Fatal(err)
				}
			}
		})
	})
}

func TestPasskeysAt(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"https://shop.example.com":          "https://shop.example.com",
		"https://Shop.Example.com:8443/x/":  "https://shop.example.com:8443",
		"http://localhost:8080":             "http://localhost:8080",
		"":                                  "need the address",
		"http://shop.example.com":           "over https only",
		"https://203.0.113.7":               "address of numbers",
		"http://127.0.0.1:8080":             "address of numbers",
		"https://[2001:db8::1]/":            "address of numbers",
		"https://amina:word@shop.example.c": "not an address",
		"shop.example.com":                  "not an address",
		"://":                               "not an address",
	} {
		t.Run(address, func(t *testing.T) {
			t.Parallel()
			setup(t, func(t *testing.T, w world) {
				opt := cheap
				opt.Address = address
				users, err := access.OpenUsers(t.Context(), w.db, w.vault, w.log, opt)
				if err != nil {
					t.Fatal(err)
				}
				got, err := users.PasskeysAt()
				if strings.HasPrefix(want, "http") {
					if got != want || err != nil {
						t.Errorf("got %q, %v", got, err)
					}
					return
				}
				if !strings.Contains(fault.Message(err), want) {
					t.Errorf("want %q, got %v", want, err)
				}
				if _, err := users.AskPasskey(t.Context(), "203.0.113.7"); !fault.Is(err, fault.Invalid) {
					t.Error(err)
				}
			})
		})
	}
}
